import type { PortName } from "@pipe/core";

/** A component that a configuration names. */
export type NamedKind = { readonly port: PortName; readonly kind: string };

/** Where components stand in a recipe, and which kind is meant where nothing stands. */
const places: readonly { readonly path: string; readonly port: PortName; readonly defaults?: readonly string[] }[] = [
  { path: "engine", port: "engine", defaults: ["onnx"] },
  { path: "data.source", port: "source" },
  { path: "data.tokenizer", port: "tokenizer" },
  { path: "model", port: "model" },
  { path: "optimization.optimizer", port: "optimizer", defaults: ["adamw"] },
  { path: "optimization.schedule", port: "schedule", defaults: ["cosine"] },
  { path: "evaluation.metrics", port: "metric", defaults: ["loss", "perplexity", "bitsPerByte", "accuracy"] },
];

/** The components that a raw recipe names, so that only their definitions need to be loaded before it is checked. */
export function kindsOf(raw: unknown): readonly NamedKind[] {
  return places.flatMap(({ path, port, defaults = [] }) => {
    const found = path
      .split(".")
      .reduce<unknown>((value, key) => (value as { [key: string]: unknown } | null | undefined)?.[key], raw);
    if (found === undefined) return defaults.map((kind) => ({ port, kind }));
    return [found].flat().flatMap((each) => {
      const kind = (each as { kind?: unknown } | null | undefined)?.kind;
      return typeof kind === "string" ? [{ port, kind }] : [];
    });
  });
}
