import { PipeError } from "@pipe/core";
import type { Assignment } from "./assignments.ts";
import { valueAt } from "./json-schema.ts";
import { formatOrigin, type Origin, type RawConfig } from "./origin.ts";

type Raw = RawConfig["raw"];

/**
 * Puts assignments over a configuration, the later over the earlier; the given one stays as it was.
 *
 * @example
 * overlay(await loadRecipe("notes.yaml"), [...fromEnvironment(process.env), ...fromFlags(["training.steps=100"])]);
 *
 * @throws PipeError `override-invalid` where a path goes into something without fields.
 */
export function overlay(config: RawConfig, assignments: readonly Assignment[]): RawConfig {
  return assignments.reduce<RawConfig>(({ raw, origins }, { path, value, origin }) => {
    const name = path.join(".");
    // What stood below has gone with the value that it belonged to.
    const kept = [...origins].filter(([other]) => !other.startsWith(`${name}.`));
    const made = path.map((_, i) => path.slice(0, i + 1)).filter((each) => valueAt(raw, each) === undefined);
    const added = [...made, path].map((each): [string, Origin] => [each.join("."), origin]);
    return { raw: put(raw, path, value, origin), origins: new Map([...kept, ...added]) };
  }, config);
}

function put(node: Raw, [key, ...rest]: readonly string[], value: unknown, origin: Origin): Raw {
  if (rest.length === 0) return { ...node, [key!]: value };
  const inner = Object.hasOwn(node, key!) ? (node[key!] ?? {}) : {};
  if (typeof inner !== "object" || Array.isArray(inner)) {
    throw new PipeError("override-invalid", "A field is set inside of something that has no fields.", {
      expected: `an object at ${key!}`,
      got: JSON.stringify(inner),
      where: formatOrigin(origin),
      ...(Array.isArray(inner) ? { fix: `set the whole list: ${key!}=[…]` } : {}),
    });
  }
  return { ...node, [key!]: put(inner as Raw, rest, value, origin) };
}
