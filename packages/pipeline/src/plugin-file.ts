import { readFileSync } from "node:fs";
import { createRequire, findPackageJSON } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PipeError } from "@pipe/core";

/** Whether a plug-in is named as a file rather than as a package. */
export function isFile(plugin: string): boolean {
  return /^\.{0,2}[/\\]/.test(plugin) || isAbsolute(plugin);
}

/**
 * The file that a plug-in's name means, seen from a folder: a path, or a package that is installed there or beside @pipe.
 * @throws PipeError `plugin-missing` with the command that installs it.
 */
export function pluginFile(plugin: string, folder: string, where = plugin): string {
  if (isFile(plugin)) return resolve(folder, plugin);
  const base = join(folder, "recipe.js");
  try {
    return createRequire(base).resolve(plugin);
  } catch (error) {
    const found = (error as { code?: unknown }).code === "ERR_PACKAGE_PATH_NOT_EXPORTED" && onlyImport(plugin, base);
    if (typeof found === "string") return found;
    return besidePipe(plugin, folder, where, error);
  }
}

function besidePipe(plugin: string, folder: string, where: string, cause: unknown): string {
  try {
    return fileURLToPath(import.meta.resolve(plugin));
  } catch {
    throw new PipeError("plugin-missing", "A plug-in is not installed.", {
      expected: `the package ${plugin} in ${folder} or above`,
      where,
      fix: `npm install ${plugin}    (a file begins with ./)`,
      cause,
    });
  }
}

/** The entry of a package that cannot be `require`d: Node resolves as `import` does from the own file only. */
function onlyImport(plugin: string, base: string): string | undefined {
  const manifest = findPackageJSON(plugin, pathToFileURL(base));
  if (manifest === undefined) return undefined;
  let target: unknown = (JSON.parse(readFileSync(manifest, "utf8")) as { exports?: unknown }).exports;
  for (const key of ". node import default".split(" ")) {
    if (typeof target === "object" && target !== null && key in target)
      target = (target as Record<string, unknown>)[key];
  }
  return typeof target === "string" ? join(dirname(manifest), target) : undefined;
}
