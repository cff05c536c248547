import type { PortName } from "@pipe/core";

/** The kinds that are meant where a recipe names none; the other ports have no default. */
export const defaultKinds = {
  engine: ["onnx"],
  optimizer: ["adamw"],
  schedule: ["cosine"],
  metric: ["loss", "perplexity", "bitsPerByte", "accuracy"],
} as const satisfies { readonly [Port in PortName]?: readonly string[] };

/** Components of these kinds without options. */
export function ofKinds(kinds: readonly string[]): { kind: string }[] {
  return kinds.map((kind) => ({ kind }));
}
