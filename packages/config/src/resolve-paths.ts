import { isAbsolute, resolve } from "node:path";
import { childOf, type JsonSchema } from "./json-schema.ts";
import { originOf, type Origins } from "./origin.ts";

/**
 * An experiment whose paths are absolute: one that a recipe names is seen from the recipe's folder, others from `from`.
 * A field is a path where its schema has `format: "path"`; `https://…` and the like stay as they are.
 */
export function resolvePaths<T>(experiment: T, schema: JsonSchema, origins: Origins, from: string): T {
  const walk = (value: unknown, node: JsonSchema | undefined, path: string): unknown => {
    if (typeof value === "string")
      return node?.format === "path" ? resolvePath(value, folderOf(origins, path, from)) : value;
    if (typeof value !== "object" || value === null) return value;
    const inner = (key: string, each: unknown): unknown =>
      walk(each, node === undefined ? undefined : childOf(node, key, value), path === "" ? key : `${path}.${key}`);
    if (Array.isArray(value)) return value.map((each, i) => inner(String(i), each));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inner(key, each)]));
  };
  return walk(experiment, schema, "") as T;
}

/** The folder that a relative path is seen from: that of the recipe, or the working folder for a variable or a flag. */
export function folderOf(origins: Origins, path: string, from: string): string {
  const origin = originOf(origins, path);
  return resolve(from, origin?.source === "recipe" ? (origin.folder ?? "") : "");
}

function resolvePath(path: string, folder: string): string {
  return isAbsolute(path) || /^[a-z][a-z\d+.-]+:\/\//i.test(path) ? path : resolve(folder, path);
}
