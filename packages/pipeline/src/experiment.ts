import { resolve } from "node:path";
import {
  type Experiment,
  ExperimentConfig,
  folderOf,
  formatOrigin,
  kindsOf,
  originOf,
  type ParseOptions,
} from "@pipe/config";
import { PipeError } from "@pipe/core";
import { ComponentFactory, ComponentRegistry, type DefinitionModule } from "@pipe/di";
import { loadPlugin } from "./load-plugin.ts";
import { builtInModules } from "./modules.ts";
import { isFile } from "./plugin-file.ts";
import { withStart } from "./start-from.ts";

type Raw = { readonly [key: string]: unknown };

/** A checked experiment and the factory of its components. */
export type LoadedExperiment = {
  readonly experiment: Experiment;
  readonly config: ExperimentConfig;
  readonly components: ComponentFactory;
};

/**
 * Loads the definitions that a raw recipe names, plug-ins first, fills in what stored weights bring, and checks it.
 * @throws PipeError `config-invalid`, `model-missing`, `plugin-missing`, `plugin-invalid`, `plugin-incompatible`, `component-missing`.
 */
export async function loadExperiment(given: Raw, { from, ...rest }: ParseOptions = {}): Promise<LoadedExperiment> {
  const { raw, origins } = await withStart({ raw: given, origins: rest.origins ?? new Map() }, from);
  const options = { origins, ...(from === undefined ? {} : { from }) };
  const registry = new ComponentRegistry();
  const plugins = await addPlugins(registry, raw, options);
  const components = new ComponentFactory(registry, builtInModules);
  const named = kindsOf(raw);
  for (const module of builtInModules) {
    const wanted = named.filter(({ port }) => port === module.port);
    const isOurs = ({ kind }: { readonly kind: string }): boolean => module.kinds.includes(kind);
    const [ours] = wanted.filter(isOurs);
    if (ours !== undefined) await components.load(module.port, ours.kind);
    // Where a kind is missing or unknown, all are loaded, so that the error can list what there is.
    else if (!wanted.some(({ port, kind }) => registry.find(port, kind) !== undefined))
      await tryLoad(components, module);
  }
  const config = ExperimentConfig.from(registry.definitions);
  return { experiment: config.parse({ ...raw, ...plugins }, options), config, components };
}

/** Everything that is installed, for a schema: the built-in components and the plug-ins of a recipe. */
export async function loadInstalled(
  raw: Raw = {},
  options: ParseOptions = {},
): Promise<{ readonly config: ExperimentConfig; readonly missing: readonly DefinitionModule[] }> {
  const registry = new ComponentRegistry();
  await addPlugins(registry, raw, options);
  const components = new ComponentFactory(registry, builtInModules);
  const loaded = await Promise.all(builtInModules.map(async (module) => tryLoad(components, module)));
  return {
    config: ExperimentConfig.from(registry.definitions),
    missing: builtInModules.filter((_, i) => loaded[i] === false),
  };
}

/** Registers the plug-ins that a recipe names; gives them with whole paths, so that a resumed run finds them anywhere. */
async function addPlugins(registry: ComponentRegistry, raw: Raw, options: ParseOptions): Promise<Raw> {
  const { plugins } = raw;
  if (!Array.isArray(plugins)) return {};
  const located: string[] = [];
  const { origins = new Map(), from = "." } = options;
  for (const [i, plugin] of plugins.entries()) {
    if (typeof plugin !== "string" || plugin === "") return {}; // the schema says so
    const [folder, origin] = [folderOf(origins, `plugins.${i}`, from), originOf(origins, `plugins.${i}`)];
    const place = origin === undefined ? {} : { place: formatOrigin(origin) };
    const name = isFile(plugin) ? resolve(folder, plugin) : plugin;
    if (!located.includes(name)) registry.add((await loadPlugin({ name: plugin, folder, ...place })).components);
    located.push(name);
  }
  return { plugins: located };
}

/** Loads a module unless its package is missing, which is no error while nothing asks for it. */
async function tryLoad(components: ComponentFactory, { port, kinds }: DefinitionModule): Promise<boolean> {
  try {
    await components.load(port, kinds[0]!);
    return true;
  } catch (error) {
    if (PipeError.is(error, "component-missing")) return false;
    throw error;
  }
}
