import type { ScoredKey } from "@pipe/core";
import { byScore } from "./top-keys.ts";

/** How much lower ranks count in the fusion of ranks. */
const rankOffset = 60;

/**
 * Joins two rankings: scores of each are scaled to [0, 1] by their least and greatest, and added by weights. A passage
 * that one of them lacks gets 0 there, unless `others` knows its score.
 *
 * Convex combination after Bruch et al. 2023; unlike fusion of ranks it never fell below the better of the two when the
 * other was weak.
 *
 * @param weight that of the second ranking, from 0 to 1.
 * @param others scores of passages that stand in the other ranking only, on its scale.
 * @param cut length at which rankings were cut off.
 */
export function fuse(
  first: readonly ScoredKey[],
  second: readonly ScoredKey[],
  weight: number,
  others: { readonly first?: readonly ScoredKey[]; readonly second?: readonly ScoredKey[] } = {},
  cut = Infinity,
): ScoredKey[] {
  const total = new Map<number, number>();
  const add = (ranking: readonly ScoredKey[], rest: readonly ScoredKey[], share: number): void => {
    let [least, greatest] = [Infinity, -Infinity];
    // What lies below the end of a list that was cut off says nothing of how far its own passages differ.
    for (const { score } of ranking.length >= cut ? ranking : [...ranking, ...rest]) {
      least = Math.min(least, score);
      greatest = Math.max(greatest, score);
    }
    for (const { key, score } of [...ranking, ...rest]) {
      const scaled = greatest > least ? Math.max(0, (score - least) / (greatest - least)) : 1;
      total.set(key, (total.get(key) ?? 0) + share * scaled);
    }
  };
  add(first, others.first ?? [], 1 - weight);
  add(second, others.second ?? [], weight);
  return Array.from(total, ([key, score]) => ({ key, score })).sort(byScore);
}

/** Joins rankings by their ranks alone: each gives `1 / (60 + rank)`. Cormack et al. 2009. */
export function fuseRanks(...rankings: readonly (readonly ScoredKey[])[]): ScoredKey[] {
  const total = new Map<number, number>();
  for (const ranking of rankings) {
    for (const [at, { key }] of ranking.entries()) total.set(key, (total.get(key) ?? 0) + 1 / (rankOffset + at + 1));
  }
  return Array.from(total, ([key, score]) => ({ key, score })).sort(byScore);
}
