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
  { words, meaning }: BothRankings,
): Promise<Required<BothRankings>> {
  const [said, meant] = [keysOf(words), keysOf(meaning)];
  const onlyMeant = [...meant].filter((key) => !said.has(key));
  const onlySaid = [...said].filter((key) => !meant.has(key));
  const [missingWords, ...missingMeaning] = await Promise.all([
    said.size === 0 ? [] : index.read("lexicalScores", terms, onlyMeant),
    ...spaces.map((space) => (meant.size === 0 ? [] : index.read("vectorScores", space, vector!, onlySaid, undefined))),
  ]);
  const others = { words: missingWords.map(({ key, score }) => ({ key, score })), meaning: missingMeaning.flat() };
  return { words, meaning, others };
}

function keysOf(ranking: readonly ScoredKey[]): Set<number> {
  return new Set(ranking.map(({ key }) => key));
}
