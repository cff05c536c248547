import { existsSync } from "node:fs";
import { join } from "node:path";
import { PipeError } from "@pipe/core";
import { cacheFolder as defaultCacheFolder } from "./cache-folder.ts";
import { type XlaPlugin, xlaPlugins } from "./plugin-table.ts";

/** The folder that a plug-in is unpacked in, below the cache folder. */
export function pluginFolder(name: string, cacheFolder: string, plugins = xlaPlugins): string {
  return join(cacheFolder, "engines", `${name}-${pluginOf(name, plugins).version}`);
}

/** The library of an installed plug-in of {@link xlaPlugins}, if it is there. @throws PipeError `xla-plugin-unknown`. */
export function findPlugin(name: string, cacheFolder = defaultCacheFolder(), plugins = xlaPlugins): string | undefined {
  const path = join(pluginFolder(name, cacheFolder, plugins), pluginOf(name, plugins).library);
  return existsSync(path) ? path : undefined;
}

/** The plug-in of a name. @throws PipeError `xla-plugin-unknown`. */
export function pluginOf(name: string, plugins = xlaPlugins): XlaPlugin {
  const plugin = Object.hasOwn(plugins, name) ? plugins[name] : undefined;
  if (plugin !== undefined) return plugin;
  throw new PipeError("xla-plugin-unknown", "No XLA plug-in of this name is known.", {
    expected: Object.keys(plugins).join(" or "),
    got: name,
  });
}

/**
 * The library for a device as a configuration names it: `"cpu"` and `"cuda"` are looked up in the cache folder, anything
 * else is a path.
 * @throws PipeError `xla-plugin-missing` with the command that brings it.
 */
export function pluginFor(device: string, cacheFolder = defaultCacheFolder()): string {
  const [name] = Object.entries(xlaPlugins).find(([, plugin]) => plugin.device === device) ?? [];
  if (name === undefined) return device;
  const path = findPlugin(name, cacheFolder);
  if (path !== undefined) return path;
  throw new PipeError("xla-plugin-missing", `The XLA plug-in for ${device} is not installed.`, {
    where: pluginFolder(name, cacheFolder),
    fix: `pipe engines install ${name}`,
  });
}
