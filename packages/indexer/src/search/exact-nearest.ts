import type { ScoredKey, VectorSpace } from "@pipe/core";
import type { IndexDatabase } from "../store/index-database.ts";
import { changesOf } from "../store/vector-table.ts";
import { FlatSpace } from "../vectors/flat-space.ts";

/** The nearest passages to each of several vectors, for which all vectors of the space are read once. @throws PipeError `index-damaged`. */
export function exactNearest(
  database: IndexDatabase,
  space: VectorSpace,
  queries: readonly Float32Array[],
  limit: number,
): ScoredKey[][] {
  const { rows } = changesOf(database, space, { sequence: 0, key: 0 }, 0, Number.MAX_SAFE_INTEGER);
  const all = new FlatSpace(space.dimensions);
  all.put(rows.filter(({ vector }) => vector.some((value) => value !== 0)));
  return queries.map((query) => all.search(query, limit));
}
