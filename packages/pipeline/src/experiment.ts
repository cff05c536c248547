import { isAbsolute, resolve } from "node:path";
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
  const plugins = (Array.isArray(raw["plugins"]) ? raw["plugins"] : []).map(locate);
  for (const plugin of plugins) registry.add(await importPlugin(plugin));
  const components = new ComponentFactory(registry, builtInModules);
  const named = kindsOf(raw);
  for (const { port, kinds } of builtInModules) {
    const [wanted] = named.filter((each) => each.port === port && kinds.includes(each.kind));
    // A port without a known kind is loaded all the same, so that the error can list what there is.
    if (wanted !== undefined) await components.load(port, wanted.kind);
    else if (!named.some((each) => each.port === port && registry.find(port, each.kind) !== undefined)) {
      await components.load(port, kinds[0]!).catch(passMissing);
    }
  }
  const config = ExperimentConfig.from(registry.definitions);
  // Files with their whole path, so that a resumed run finds them from any folder.
  const located = plugins.length === 0 ? raw : { ...raw, plugins };
  return { experiment: config.parse(located, options), config, components };
}

function locate(plugin: unknown): string {
  const name = String(plugin);
  return /^[./]/.test(name) ? resolve(name) : name;
}

/** An engine that is not installed is no error while another one is asked for. */
function passMissing(error: unknown): void {
  if (!PipeError.is(error, "component-missing")) throw error;
}

/** A module that exports `definitions`: a package, or a file where the name begins with `.` or `/`. */
async function importPlugin(name: string): Promise<readonly ComponentDefinition[]> {
  const specifier = isAbsolute(name) ? pathToFileURL(name).href : name;
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
