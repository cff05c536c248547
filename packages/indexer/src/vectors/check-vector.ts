import { PipeError, type VectorSpace } from "@pipe/core";

/** Checks a row of a space. @throws PipeError `vector-invalid`. */
export function checkVector({ dimensions }: VectorSpace, key: number, vector: Float32Array): void {
  const isKey = Number.isSafeInteger(key) && key > 0;
  if (isKey && vector.length === dimensions && allFinite(vector)) return;
  throw new PipeError("vector-invalid", "This is no vector of the space.", {
    expected: `${dimensions} finite numbers under a positive key`,
    got: `${vector.length} numbers, ${allFinite(vector) ? "finite" : "not all finite"}, key ${key}`,
  });
}

/** Whether a vector has numbers only; `every` with a callback takes ten times as long. */
export function allFinite(vector: Float32Array): boolean {
  for (let at = 0; at < vector.length; at++) if (!Number.isFinite(vector[at])) return false;
  return true;
}

/** Checks how many are wanted. @throws PipeError `search-options-invalid`. */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1) return;
  throw new PipeError("search-options-invalid", "A search needs a positive limit.", {
    got: String(limit),
    where: "limit",
  });
}
