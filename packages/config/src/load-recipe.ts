import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, PipeError } from "@pipe/core";
import { type RawConfig, rawConfig } from "./origin.ts";
import { parseYaml } from "./yaml-recipe.ts";

/** How a recipe is found. */
export type LoadRecipeOptions = {
  /** The folder that the path is seen from; default the working folder. */
  readonly from?: string;
};

const MODULES = [".ts", ".mts", ".js", ".mjs"];

/**
 * Reads a recipe: YAML or JSON with the place of every value, or a TypeScript or JavaScript module whose default export it
 * is. A top-level `$schema`, which editors read, is no part of it.
 * @throws PipeError `recipe-missing`, `recipe-invalid` with file, line and column.
 */
export async function loadRecipe(path: string, { from = "." }: LoadRecipeOptions = {}): Promise<RawConfig> {
  const file = resolve(from, path);
  const origin = { name: path, folder: dirname(file) };
  if (MODULES.includes(extname(file))) {
    return rawConfig(withoutSchema(await importRecipe(file, path), path), { source: "recipe", ...origin });
  }
  const { value, origins } = parseYaml(await readRecipe(file, path), origin);
  return { raw: withoutSchema(value, path), origins };
}

function withoutSchema(value: unknown, where: string): RawConfig["raw"] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PipeError("recipe-invalid", "A recipe must be an object.", {
      expected: "sections such as data, model and training",
      got: value === undefined ? "no default export" : value === null ? "nothing" : JSON.stringify(value).slice(0, 60),
      where,
    });
  }
  const { $schema: _, ...raw } = value as { readonly [key: string]: unknown };
  return raw;
}

async function readRecipe(file: string, path: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw missing(path, cause);
  }
}

async function importRecipe(file: string, path: string): Promise<unknown> {
  if (!existsSync(file)) throw missing(path, new Error(`no file ${file}`));
  const { href } = pathToFileURL(file);
  try {
    return ((await import(href)) as { default?: unknown }).default;
  } catch (cause) {
    throw new PipeError("recipe-invalid", "A recipe module cannot be loaded.", {
      got: messageOf(cause),
      where: `${path}${lineIn(cause, [href, file])}`,
      ...(isCommonJs(cause)
        ? { fix: `write "type": "module" into the package.json above it, or name it .mts or .mjs` }
        : {}),
      cause,
    });
  }
}

/** Whether Node took a module for one of the older kind, because of the nearest package.json. */
function isCommonJs(error: unknown): boolean {
  return /^(Unexpected token 'export'|Cannot use import statement)/.test(messageOf(error));
}

/** The place that an error's stack names in a file, as `:line:column`. */
function lineIn(error: unknown, names: readonly string[]): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const name of names) {
    const begin = stack.indexOf(name);
    const place = begin === -1 ? undefined : /^(:\d+)(:\d+)?/.exec(stack.slice(begin + name.length))?.[0];
    if (place !== undefined) return place;
  }
  return "";
}

function missing(path: string, cause: unknown): PipeError {
  return new PipeError("recipe-missing", "There is no such recipe.", { where: path, got: messageOf(cause), cause });
}
