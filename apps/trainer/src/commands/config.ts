import { applyOverrides, ExperimentConfig } from "@pipe/config";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
import { builtInModules, loadExperiment } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { findRecipe } from "../recipes.ts";
import { parseCommand, usageError } from "../usage.ts";

/** `pipe config schema` and `pipe config show [recipe]`. */
export async function config(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, { set: { type: "string", multiple: true } }, 2);
  const [action, recipe = "quick"] = positionals;
  const print = (value: unknown): void =>
    void host.stdout.write(`${JSON.stringify(value, null, values.json === true ? undefined : 2)}\n`);
  if (action === "schema") {
    const registry = new ComponentRegistry();
    const components = new ComponentFactory(registry, builtInModules);
    for (const { port, kinds } of builtInModules) await components.load(port, kinds[0]!);
    print(ExperimentConfig.from(registry.definitions).jsonSchema());
    return 0;
  }
  if (action === "show") {
    const { raw, origin } = await findRecipe(recipe, host.cwd);
    print((await loadExperiment(applyOverrides(raw, values.set ?? []), { origin })).experiment);
    return 0;
  }
  throw usageError(
    action === undefined ? "The config command is missing." : `There is no config command ${JSON.stringify(action)}.`,
  );
}
