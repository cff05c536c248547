import { ranked } from "./fusion.ts";
import type { ScoredChunk } from "./index-manager.ts";

/** The `limit` vectors with the greatest inner product with a query, by looking at all of them. */
export function nearest(
  vectors: Iterable<{ readonly chunk: number; readonly vector: Float32Array }>,
  query: Float32Array,
  limit: number,
): ScoredChunk[] {
  let best: ScoredChunk[] = [];
  let least = -Infinity;
  for (const { chunk, vector } of vectors) {
    let score = 0;
    for (let i = 0; i < query.length; i++) score += vector[i]! * query[i]!;
    if (score <= least) continue;
    best.push({ chunk, score });
    if (best.length < 2 * limit) continue;
    best = ranked(best).slice(0, limit);
    least = best.at(-1)!.score;
  }
  return ranked(best).slice(0, limit);
}
