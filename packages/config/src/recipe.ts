import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, PipeError } from "@pipe/core";
import { LineCounter, parseDocument } from "yaml";
import type { Recipe } from "./experiment-config.ts";

/** Returns the recipe as it is: for completion in an editor. */
export function defineRecipe(recipe: Recipe): Recipe {
  return recipe;
}

/**
 * Reads a recipe: YAML or JSON, or a TypeScript or JavaScript module whose default export it is.
 * @throws PipeError `recipe-missing`, `recipe-invalid` with file, line and column.
 */
export async function loadRecipe(path: string): Promise<{ readonly [key: string]: unknown }> {
  const file = resolve(path);
  const value = [".ts", ".mts", ".js", ".mjs"].includes(extname(file))
    ? await importRecipe(file)
    : await readRecipe(file);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as { [key: string]: unknown };
  throw new PipeError("recipe-invalid", "A recipe must be an object.", { got: JSON.stringify(value), where: file });
}

async function readRecipe(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw missing(file, cause);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new PipeError("recipe-invalid", "A recipe is not valid YAML.", {
      got: error.message.split("\n")[0]!,
      where: `${file}:${line}:${col}`,
    });
  }
  return document.toJS();
}

async function importRecipe(file: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND" && messageOf(cause).includes(`'${file}'`)) {
      throw missing(file, cause);
    }
    throw new PipeError("recipe-invalid", "A recipe module cannot be loaded.", {
      got: messageOf(cause),
      where: file,
      cause,
    });
  }
}

function missing(file: string, cause: unknown): PipeError {
  return new PipeError("recipe-missing", "There is no such recipe.", { where: file, got: messageOf(cause), cause });
}
