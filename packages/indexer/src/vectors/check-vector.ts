import { PipeError, type VectorSpace } from "@pipe/core";

/** Checks a row of a space. @throws PipeError `vector-invalid`. */
export function checkVector({ dimensions }: VectorSpace, key: number, vector: Float32Array): void {
  const isKey = Number.isSafeInteger(key) && key > 0;
  if (isKey && vector.length === dimensions && vector.every(Number.isFinite)) return;
  throw new PipeError("vector-invalid", "This is no vector of the space.", {
    expected: `${dimensions} finite numbers under a positive key`,
    got: `${vector.length} numbers, ${vector.every(Number.isFinite) ? "finite" : "not all finite"}, key ${key}`,
  });
}

/** Checks how many are wanted. @throws PipeError `search-options-invalid`. */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1) return;
  throw new PipeError("search-options-invalid", "A search needs a positive limit.", {
    got: String(limit),
    where: "limit",
  });
}
