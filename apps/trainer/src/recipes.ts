import { resolve } from "node:path";
import { loadRecipe } from "@pipe/config";
import { PipeError } from "@pipe/core";

type Raw = { readonly [key: string]: unknown };

const builtIn: { readonly [name: string]: () => Promise<{ readonly default: object }> } = {
  quick: () => import("./recipes/quick.ts"),
  "shakespeare-char": () => import("./recipes/shakespeare-char.ts"),
};

/** A built-in recipe by name, or one from a file. @throws PipeError `recipe-missing`, `recipe-invalid`. */
export async function findRecipe(name: string, cwd: string): Promise<{ readonly raw: Raw; readonly origin: string }> {
  const load = builtIn[name];
  if (load !== undefined) return { raw: (await load()).default as Raw, origin: `the recipe ${name}` };
  try {
    return { raw: await loadRecipe(resolve(cwd, name)), origin: name };
  } catch (error) {
    if (!PipeError.is(error, "recipe-missing")) throw error;
    throw new PipeError("recipe-missing", "There is no such recipe.", {
      expected: `${Object.keys(builtIn).join(", ")}, or a file`,
      got: name,
      fix: "to go on with a run, write --resume=<run>",
      cause: error,
    });
  }
}
