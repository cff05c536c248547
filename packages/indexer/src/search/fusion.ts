import type { ScoredChunk } from "./index-manager.ts";

/**
 * Joins two rankings: scores of each are scaled to [0, 1] by their least and greatest, and added by weights. A passage
 * that one of them lacks gets 0 there.
 *
 * Convex combination after Bruch et al. 2023; unlike fusion of ranks it never fell below the better of the two when the
 * other was weak.
 *
 * @param weight that of the second ranking, from 0 to 1.
 */
export function fuse(first: readonly ScoredChunk[], second: readonly ScoredChunk[], weight: number): ScoredChunk[] {
  const total = new Map<number, number>();
  const add = (ranking: readonly ScoredChunk[], share: number): void => {
    const scores = ranking.map(({ score }) => score);
    const [least, greatest] = [Math.min(...scores), Math.max(...scores)];
    for (const { chunk, score } of ranking) {
      const scaled = greatest > least ? (score - least) / (greatest - least) : 1;
      total.set(chunk, (total.get(chunk) ?? 0) + share * scaled);
    }
  };
  add(first, 1 - weight);
  add(second, weight);
  return ranked(Array.from(total, ([chunk, score]) => ({ chunk, score })));
}

/** Best first; equals by their number, so that results do not depend on chance. */
export function ranked(chunks: ScoredChunk[]): ScoredChunk[] {
  return chunks.sort((a, b) => b.score - a.score || a.chunk - b.chunk);
}
