import { PipeError, type SearchOptions } from "@pipe/core";
import { checkLimit } from "../vectors/check-vector.ts";

/** Checks what a search was asked for. @throws PipeError `search-options-invalid`. */
export function checkSearchOptions({ limit = 10, weight = 0.5 }: SearchOptions): void {
  checkLimit(limit);
  if (weight >= 0 && weight <= 1) return;
  throw new PipeError("search-options-invalid", "The share of meaning lies between 0 and 1.", {
    got: String(weight),
    where: "weight",
  });
}
