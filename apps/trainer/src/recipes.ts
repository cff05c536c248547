import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fromEnvironment, fromFlags, loadRecipe, overlay, type RawConfig, rawConfig } from "@pipe/config";
import { nearest, PipeError } from "@pipe/core";
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
  const load = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
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
      fix: meantBy(name, cwd),
      cause: error,
    });
  }
}

function meantBy(name: string, cwd: string): string {
  const inside = join(name, "recipe.yaml");
  if (existsSync(resolve(cwd, inside))) return `name the recipe in this folder: ${inside}`;
  const near = nearest(name, Object.keys(builtIn));
  return near === undefined ? "to go on with a run, write --resume=<run>" : `write ${near}, if that is meant`;
}

/** A configuration with the environment and the `--set` flags put over it. @throws PipeError `override-invalid`. */
export function overlaid(config: RawConfig, host: Host, set: readonly string[] = []): RawConfig {
  return overlay(config, [...fromEnvironment(host.env), ...fromFlags(set)]);
}
