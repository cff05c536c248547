import type { PortName } from "@pipe/core";
import { fieldOf, valueAt } from "./json-schema.ts";
import { places } from "./places.ts";

/** A component that a configuration names. */
export type NamedKind = { readonly port: PortName; readonly kind: string };

/** The components that a raw recipe names, so that only their definitions need to be loaded before it is checked. */
export function kindsOf(raw: unknown): readonly NamedKind[] {
  return places.flatMap(({ path, port, defaults }) => {
    const found = valueAt(raw, path);
    if (found === undefined) return defaults.map((kind) => ({ port, kind }));
    return [found].flat().flatMap((each) => {
      const kind = fieldOf(each, "kind") ?? soleDefault(each, defaults);
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
  return places.reduce((result, { path, defaults }) => fill(result, path, defaults), raw);
}

function fill(node: unknown, [key, ...rest]: readonly string[], defaults: readonly string[]): unknown {
  if (typeof node !== "object" || node === null || Array.isArray(node)) return node;
  if (key === undefined) {
    const kind = soleDefault(node, defaults);
    return kind === undefined ? node : { kind, ...node };
  }
  return Object.hasOwn(node, key) ? { ...node, [key]: fill(fieldOf(node, key), rest, defaults) } : node;
}
