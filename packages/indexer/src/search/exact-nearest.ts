import type { ScoredKey, VectorSpace } from "@pipe/core";
import type { IndexDatabase } from "../store/index-database.ts";
import { changesOf, innerProduct } from "../store/vector-table.ts";
import { FlatSpace } from "../vectors/flat-space.ts";
import { byScore } from "./top-keys.ts";

/**
 * The nearest passages to each of several vectors, for which all vectors of the space are read once, with their scores as
 * `exactScores` computes them: those of equal vectors are equal. @throws PipeError `index-damaged`.
 */
export function exactNearest(
  database: IndexDatabase,
  space: VectorSpace,
  queries: readonly Float32Array[],
  limit: number,
): ScoredKey[][] {
  const { rows } = changesOf(database, space, { sequence: 0, key: 0 }, 0, Number.MAX_SAFE_INTEGER);
  const told = rows.filter(({ vector }) => vector.some((value) => value !== 0));
  const vectors = new Map(told.map(({ key, vector }) => [key, vector]));
  const all = new FlatSpace(space.dimensions);
  all.put(told);
  return queries.map((query) =>
    all
      .search(query, limit)
      .map(({ key }) => ({ key, score: innerProduct(vectors.get(key)!, query) }))
      .sort(byScore),
  );
}
