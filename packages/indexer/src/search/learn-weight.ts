import type { ScoredKey } from "@pipe/core";
import { fuse } from "./fusion.ts";

/** What is asked of the corpus: a sentence, and which passage it was taken out of. */
export type ClozeQuery = {
  /** Both rankings as they are without the sentence in its passage. */
  readonly lexical: readonly ScoredKey[];
  readonly vector: readonly ScoredKey[];
  readonly right: number;
};

const weights = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const half = weights.indexOf(0.5);
const depth = 10;
/** Fewer questions teach nothing. */
const fewest = 20;
/** The share of what words alone find that may be lost, as the task favours words; and a gain that is no chance. */
const mostLost = 0.02;
const leastGain = 0.02;

/**
 * The share of meaning, by asking sentences for the passages that they were taken out of (the inverse cloze task of Lee et al.
 * 2019): a half, or as much below it as loses nothing to words alone where the embedder is weak; more where that is clearly
 * better. Nobody needs to judge results for that.
 */
export function learnWeight(queries: readonly ClozeQuery[]): number {
  if (queries.length < fewest) return 0.5;
  const quality = weights.map(
    (weight) => queries.reduce((sum, query) => sum + gain(query, weight), 0) / queries.length,
  );
  const best = quality.indexOf(Math.max(...quality));
  if (best > half && quality[best]! - quality[half]! >= leastGain) return weights[best]!;
  return weights[quality.findLastIndex((each, at) => at <= half && each >= (1 - mostLost) * quality[0]!)]!;
}

/** What the passage's rank is worth among the first ten: 1 for the first, 0 where it is not there. */
function gain({ lexical, vector, right }: ClozeQuery, weight: number): number {
  const rank = fuse(lexical, vector, weight).findIndex(({ key }) => key === right);
  return rank < 0 || rank >= depth ? 0 : 1 / Math.log2(rank + 2);
}
