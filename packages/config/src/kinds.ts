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
      const kind = (each as { kind?: unknown } | null | undefined)?.kind ?? soleDefault(each, defaults);
      return typeof kind === "string" ? [{ port, kind }] : [];
    });
  });
}

/** The kind of a component whose options stand without one, where a port has one default. */
function soleDefault(value: unknown, defaults: readonly string[]): string | undefined {
  const isOptions = typeof value === "object" && value !== null && !("kind" in value);
  return isOptions && defaults.length === 1 ? defaults[0] : undefined;
}

/** A raw recipe in which options without a kind, such as `engine: { threads: 2 }`, have that of their port's default. */
export function withDefaultKinds(raw: unknown): unknown {
  return places.reduce((result, { path, defaults = [] }) => fill(result, path.split("."), defaults), raw);
}

function fill(node: unknown, [key, ...rest]: readonly string[], defaults: readonly string[]): unknown {
  if (typeof node !== "object" || node === null || Array.isArray(node)) return node;
  if (key === undefined) {
    const kind = soleDefault(node, defaults);
    return kind === undefined ? node : { kind, ...node };
  }
  const record = node as { readonly [key: string]: unknown };
  return key in record ? { ...record, [key]: fill(record[key], rest, defaults) } : node;
}
