import type { ScoredKey, VectorSpace } from "@pipe/core";
import type { IndexManager } from "../index-manager.ts";
import type { BothRankings } from "./fusion.ts";

/** What was asked, and where passages have their vectors. */
export type AskedOf = {
  readonly terms: readonly string[];
  readonly vector: Float32Array | undefined;
  readonly spaces: readonly VectorSpace[];
};

/** Adds to two rankings what each says of the passages that only the other one proposed. */
export async function withOthers(
  index: IndexManager,
  { terms, vector, spaces }: AskedOf,
  both: BothRankings,
): Promise<Required<BothRankings>> {
  const { onlyMeant, onlySaid } = loners(both);
  const [words, ...meaning] = await Promise.all([
    onlyMeant.length === 0 ? [] : index.read("lexicalScores", terms, onlyMeant),
    ...spaces.map((space) =>
      onlySaid.length === 0 ? [] : index.read("vectorScores", space, vector!, onlySaid, undefined),
    ),
  ]);
  return { ...both, others: { words: words.map(({ key, score }) => ({ key, score })), meaning: meaning.flat() } };
}

/** Passages that one ranking has and the other lacks; none where the other is empty, as it can say nothing of them. */
export function loners({ words, meaning }: BothRankings): { onlyMeant: number[]; onlySaid: number[] } {
  return { onlyMeant: lacking(words, meaning), onlySaid: lacking(meaning, words) };
}

function lacking(ranking: readonly ScoredKey[], other: readonly ScoredKey[]): number[] {
  if (ranking.length === 0) return [];
  const has = new Set(ranking.map(({ key }) => key));
  return other.flatMap(({ key }) => (has.has(key) ? [] : [key]));
}
