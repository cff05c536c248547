/**
 * Where XLA's plug-ins come from and where they are: without koffi or tfjs, so cheap to load.
 *
 * @packageDocumentation
 */
export { cacheFolder } from "./cache-folder.ts";
export { findPlugin, pluginFor } from "./find-plugin.ts";
export { type FetchWheel, installPlugin, type InstallOptions } from "./install-plugin.ts";
export { type XlaPlugin, xlaPlugins } from "./plugin-table.ts";
