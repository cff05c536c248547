import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { messageOf, PipeError } from "@pipe/core";
import { cacheFolder as defaultCacheFolder } from "./cache-folder.ts";
import { findPlugin, pluginFolder, pluginOf } from "./find-plugin.ts";
import type { XlaPlugin } from "./plugin-table.ts";
import { unzip } from "./unzip.ts";

/** Gets the wheel of a plug-in into a folder. */
export type FetchWheel = (plugin: XlaPlugin, folder: string) => Promise<void>;

/** Where a plug-in goes, and how it comes. */
export type InstallOptions = {
  /** Default the user's, see `cacheFolder`. */
  readonly cacheFolder?: string;
  /** Default the machine's `pip download`, which asks the package index that pip is set up for. */
  readonly fetch?: FetchWheel;
  /** Default `xlaPlugins`. */
  readonly plugins?: { readonly [name: string]: XlaPlugin };
};

/** Where pip may be; nothing is installed into any Python. */
const pips: readonly (readonly string[])[] = [["pip"], ["pip3"], ["python3", "-m", "pip"], ["python", "-m", "pip"]];

/**
 * Brings a plug-in of `xlaPlugins` unless it is there, and returns the path of its library. The wheel's hash is checked
 * before anything of it is unpacked; the folder appears whole or not at all.
 * @throws PipeError `xla-plugin-unknown`, `xla-plugin-unavailable`, `pip-missing`, `wheel-missing`, `wheel-damaged`.
 */
export async function installPlugin(name: string, options: InstallOptions = {}): Promise<string> {
  const { cacheFolder = defaultCacheFolder(), fetch = fetchWithPip, plugins } = options;
  const plugin = pluginOf(name, plugins);
  const known = findPlugin(name, cacheFolder, plugins);
  if (known !== undefined) return known;
  const here = `${process.platform}-${process.arch}`;
  if (plugin.runsOn !== here) {
    throw new PipeError("xla-plugin-unavailable", `There is no build of ${name} for this machine.`, {
      expected: plugin.runsOn,
      got: here,
      fix: "name a PJRT plug-in of your own by its path: engine: { kind: xla, device: <path> }",
    });
  }
  const folder = pluginFolder(name, cacheFolder, plugins);
  await installWheel(plugin, folder, fetch);
  return join(folder, plugin.library);
}

/** Fetches a plug-in's wheel, checks it and unpacks it into a folder, which appears whole or not at all. */
export async function installWheel(plugin: XlaPlugin, folder: string, fetch: FetchWheel): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(`${folder}.`);
  try {
    await fetch(plugin, temporary);
    const wheel = (await readdir(temporary)).find((file) => file.endsWith(".whl"));
    if (wheel === undefined) {
      throw new PipeError("wheel-missing", "No wheel came for the XLA plug-in.", { where: plugin.package });
    }
    const path = join(temporary, wheel);
    await checkHash(path, plugin);
    const unpacked = join(temporary, "unpacked");
    await unzip(path, unpacked);
    await rename(unpacked, folder).catch((error: unknown) => {
      // Another process was faster.
      if (!existsSync(join(folder, plugin.library))) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function checkHash(path: string, plugin: XlaPlugin): Promise<void> {
  const hash = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  if (hash === plugin.sha256) return;
  throw new PipeError("wheel-damaged", "The wheel of the XLA plug-in is not the one that is known.", {
    expected: `SHA-256 ${plugin.sha256}`,
    got: hash,
    where: `${plugin.package} ${plugin.version}`,
  });
}

/** Downloads a wheel with the machine's pip. */
export async function fetchWithPip(
  { package: name, version }: XlaPlugin,
  folder: string,
  commands = pips,
): Promise<void> {
  const args = ["download", "--no-deps", "--only-binary=:all:", "--platform", "manylinux_2_27_x86_64"];
  for (const [command, ...prefix] of commands) {
    try {
      await promisify(execFile)(command!, [...prefix, ...args, "--dest", folder, `${name}==${version}`]);
      return;
    } catch (cause) {
      if ((cause as { code?: unknown }).code === "ENOENT") continue;
      const { stderr = "" } = cause as { stderr?: string };
      if (stderr.includes("No module named pip")) continue;
      throw new PipeError("wheel-missing", "pip could not fetch the XLA plug-in.", {
        got: stderr.trim() || messageOf(cause),
        where: `${name} ${version}`,
        cause,
      });
    }
  }
  throw new PipeError("pip-missing", "The XLA plug-in comes from a Python package index, and pip is not here.", {
    expected: commands.map((words) => words.join(" ")).join(", "),
    fix: "install pip (Debian and Ubuntu: apt-get install python3-pip)",
  });
}
