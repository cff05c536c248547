import { PipeError, type SearchOptions } from "@pipe/core";
import { checkLimit } from "../vectors/check-vector.ts";

const modes: readonly unknown[] = ["lexical", "vector", "hybrid"];

/** Checks what a search was asked for. @throws PipeError `search-options-invalid`. */
export function checkSearchOptions({ limit = 10, weight = 0.5, mode = "lexical" }: SearchOptions): void {
  checkLimit(limit);
  if (!modes.includes(mode)) {
    throw new PipeError("search-options-invalid", "There is no such mode of searching.", {
      expected: modes.join(", "),
      got: mode,
      where: "mode",
    });
  }
  if (weight >= 0 && weight <= 1) return;
  throw new PipeError("search-options-invalid", "The share of meaning lies between 0 and 1.", {
    got: String(weight),
    where: "weight",
  });
}
