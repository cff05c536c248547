import type { ScoredKey } from "@pipe/core";
import { fuse } from "./fusion.ts";

/** What is asked of the corpus: a heading, and where its document's other passages are found. */
export type HeadingQuery = {
  readonly lexical: readonly ScoredKey[];
  readonly vector: readonly ScoredKey[];
  /** The passage under the heading, which both sides find by the heading itself. */
  readonly own: number;
  readonly right: ReadonlySet<number>;
};

const weights = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const depth = 10;
/** Fewer questions teach nothing, and a smaller gain may be chance. Words are the safer side: less is asked of a step there. */
const fewest = 20;
const leastGain = { toMeaning: 0.02, toWords: 0.005 };

/**
 * The share of meaning under which headings lead best to the other passages of their documents; 0.5 where no other is
 * clearly better. Nobody needs to judge results for that.
 */
export function learnWeight(queries: readonly HeadingQuery[]): number {
  const telling = queries.filter(({ right }) => right.size > 0);
  if (telling.length < fewest) return 0.5;
  const quality = weights.map(
    (weight) => telling.reduce((sum, query) => sum + gain(query, weight), 0) / telling.length,
  );
  const best = quality.indexOf(Math.max(...quality));
  const least = best < 5 ? leastGain.toWords : leastGain.toMeaning;
  return quality[best]! - quality[5]! >= least ? weights[best]! : 0.5;
}

/** nDCG of the first ten without the passage that holds the heading. */
function gain({ lexical, vector, own, right }: HeadingQuery, weight: number): number {
  const found = fuse(lexical, vector, weight)
    .filter(({ key }) => key !== own)
    .slice(0, depth);
  const discount = (rank: number): number => 1 / Math.log2(rank + 2);
  const ideal = Array.from({ length: Math.min(depth, right.size) }, (_, rank) => discount(rank));
  const reached = found.map(({ key }, rank) => (right.has(key) ? discount(rank) : 0));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return sum(reached) / sum(ideal);
}
