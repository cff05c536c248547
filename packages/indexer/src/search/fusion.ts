import type { ScoredKey } from "@pipe/core";
import { byScore } from "./top-keys.ts";

/** How much lower ranks count in the fusion of ranks. */
const rankOffset = 60;
/** The least that BM25 and a cosine can give. */
const leastWords = 0;
const leastMeaning = -1;

/** Two rankings of the same question, and what each says of passages that stand in the other one only. */
export type BothRankings = {
  readonly words: readonly ScoredKey[];
  readonly meaning: readonly ScoredKey[];
  readonly others?: { readonly words: readonly ScoredKey[]; readonly meaning: readonly ScoredKey[] };
};

/** What words and meaning say of a passage, each from 0 to 1. */
export type ScaledScores = { readonly key: number; readonly words: number; readonly meaning: number };

/**
 * Scores of both rankings from 0, the least that there can be, to 1, the greatest found. A passage of which one of them says
 * nothing counts there as its last; where one is empty, all count 0 there.
 *
 * Bruch et al. 2023 call that the theoretical min-max. From the least that was found, scores would depend on how many were asked
 * for, and cosines that hardly differ would be spread as far apart as those of words: an embedder to which all
 * texts are nearly alike takes little from words this way.
 */
export function scaleBoth({ words, meaning, others }: BothRankings): ScaledScores[] {
  const said = scaled([...words, ...(others?.words ?? [])], leastWords);
  const meant = scaled([...meaning, ...(others?.meaning ?? [])], leastMeaning);
  return Array.from(new Set([...said.scores.keys(), ...meant.scores.keys()]), (key) => ({
    key,
    words: said.scores.get(key) ?? said.last,
    meaning: meant.scores.get(key) ?? meant.last,
  }));
}

/**
 * Joins both rankings: scaled scores are added by weights, a convex combination, which unlike a fusion of ranks keeps how
 * far the scores lie apart (Bruch et al. 2023).
 *
 * @param weight that of meaning, from 0 to 1.
 */
export function fuse(rankings: BothRankings, weight: number): ScoredKey[] {
  return scaleBoth(rankings)
    .map(({ key, words, meaning }) => ({ key, score: (1 - weight) * words + weight * meaning }))
    .sort(byScore);
}

/** Joins rankings by their ranks alone: each gives `1 / (60 + rank)`. Cormack et al. 2009. */
export function fuseRanks(...rankings: readonly (readonly ScoredKey[])[]): ScoredKey[] {
  const total = new Map<number, number>();
  for (const ranking of rankings) {
    for (const [at, { key }] of ranking.entries()) total.set(key, (total.get(key) ?? 0) + 1 / (rankOffset + at + 1));
  }
  return Array.from(total, ([key, score]) => ({ key, score })).sort(byScore);
}

function scaled(ranking: readonly ScoredKey[], least: number): { scores: Map<number, number>; last: number } {
  const greatest = ranking.reduce((most, { score }) => Math.max(most, score), least);
  const scores = new Map<number, number>();
  let last = ranking.length === 0 ? 0 : 1;
  for (const { key, score } of ranking) {
    // Rounding may take a cosine below the least.
    const value = greatest > least ? Math.max(0, (score - least) / (greatest - least)) : 0;
    scores.set(key, value);
    last = Math.min(last, value);
  }
  return { scores, last };
}
