import { resolve } from "node:path";
import { loadRecipe } from "@pipe/config";

type Raw = { readonly [key: string]: unknown };

const builtIn: { readonly [name: string]: () => Promise<{ readonly default: object }> } = {
  quick: () => import("./recipes/quick.ts"),
  "shakespeare-char": () => import("./recipes/shakespeare-char.ts"),
};

/** A built-in recipe by name, or one from a file. @throws PipeError `recipe-missing`, `recipe-invalid`. */
export async function findRecipe(name: string, cwd: string): Promise<{ readonly raw: Raw; readonly origin: string }> {
  const load = builtIn[name];
  if (load !== undefined) return { raw: (await load()).default as Raw, origin: `the recipe ${name}` };
  return { raw: await loadRecipe(resolve(cwd, name)), origin: name };
}
