import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Experiment, ExperimentConfig, kindsOf } from "@pipe/config";
import { type ComponentDefinition, messageOf, PipeError } from "@pipe/core";
import { ComponentFactory, ComponentRegistry } from "@pipe/di";
import { builtInModules } from "./modules.ts";

/** A checked experiment and the factory of its components. */
export type LoadedExperiment = {
  readonly experiment: Experiment;
  readonly config: ExperimentConfig;
  readonly components: ComponentFactory;
};

/**
 * Loads the definitions that a raw recipe names, plug-ins first, and checks it.
 * @throws PipeError `config-invalid`, `plugin-invalid`, `component-missing`.
 */
export async function loadExperiment(
  raw: { readonly [key: string]: unknown },
  options: { readonly origin?: string } = {},
): Promise<LoadedExperiment> {
  const registry = new ComponentRegistry();
  const { plugins } = raw;
  for (const plugin of Array.isArray(plugins) ? plugins : []) registry.add(await importPlugin(String(plugin)));
  const components = new ComponentFactory(registry, builtInModules);
  // Ports without a named kind are loaded whole, so that the error can list what is known.
  const named = kindsOf(raw);
  for (const { port, kinds } of builtInModules) {
    const wanted = named.filter((each) => each.port === port && kinds.includes(each.kind)).map(({ kind }) => kind);
    const [kind] = wanted.length > 0 || port === "engine" ? wanted : kinds;
    if (kind !== undefined) await components.load(port, kind);
  }
  const config = ExperimentConfig.from(registry.definitions);
  return { experiment: config.parse(raw, options), config, components };
}

/** A module that exports `definitions`: a package, or a file where the name begins with `.` or `/`. */
async function importPlugin(name: string): Promise<readonly ComponentDefinition[]> {
  const specifier = /^[./]/.test(name) ? pathToFileURL(resolve(name)).href : name;
  let module: { readonly definitions?: unknown };
  try {
    module = (await import(specifier)) as typeof module;
  } catch (cause) {
    throw new PipeError("plugin-invalid", "A plug-in cannot be loaded.", { got: messageOf(cause), where: name, cause });
  }
  if (Array.isArray(module.definitions)) return module.definitions as readonly ComponentDefinition[];
  throw new PipeError("plugin-invalid", "A plug-in exports no definitions.", {
    expected: "export const definitions: readonly ComponentDefinition[]",
    got: Object.keys(module).join(", "),
    where: name,
  });
}
