import { fromEnvironment, fromFlags, loadRecipe, overlay, type RawConfig, rawConfig } from "@pipe/config";
import { PipeError } from "@pipe/core";
import type { Host } from "./host.ts";

const builtIn: { readonly [name: string]: () => Promise<{ readonly default: object }> } = {
  quick: () => import("./recipes/quick.ts"),
  "shakespeare-char": () => import("./recipes/shakespeare-char.ts"),
  "gpt2-124m": () => import("./recipes/gpt2-124m.ts"),
  chem: () => import("./recipes/chem.ts"),
  finetune: () => import("./recipes/finetune.ts"),
};

/** A built-in recipe by name, or one from a file. @throws PipeError `recipe-missing`, `recipe-invalid`. */
export async function findRecipe(name: string, cwd: string): Promise<RawConfig> {
  const load = builtIn[name];
  if (load !== undefined) {
    return rawConfig((await load()).default as RawConfig["raw"], { source: "recipe", name: `the recipe ${name}` });
  }
  try {
    return await loadRecipe(name, { from: cwd });
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

/** A configuration with the environment and the `--set` flags put over it. @throws PipeError `override-invalid`. */
export function overlaid(config: RawConfig, host: Host, set: readonly string[] = []): RawConfig {
  return overlay(config, [...fromEnvironment(host.env), ...fromFlags(set)]);
}
