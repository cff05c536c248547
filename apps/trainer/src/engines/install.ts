import { dirname, join, relative } from "node:path";
import { cacheFolder, installPlugin, xlaPlugins } from "@pipe/engine-xla/plugins";
import type { Host } from "../host.ts";
import { usageError } from "../usage.ts";

/** Brings an engine into the user's cache folder and says how a recipe uses it. */
export async function install(name: string | undefined, host: Host, json: boolean): Promise<void> {
  const plugin = name !== undefined && Object.hasOwn(xlaPlugins, name) ? xlaPlugins[name] : undefined;
  if (name === undefined || plugin === undefined) {
    const names = Object.keys(xlaPlugins).join(" or ");
    throw usageError(`pipe engines install needs ${names}${name === undefined ? "." : `, and got ${name}.`}`);
  }
  if (!json) host.stderr.write(`${name}: ${plugin.package} ${plugin.version}, through this machine's pip\n`);
  const path = await installPlugin(name, { cacheFolder: cacheFolder(host.env) });
  const use = `engine: { kind: xla, device: ${plugin.device} }`;
  if (json) host.stdout.write(`${JSON.stringify({ event: "engine-installed", name, path, use })}\n`);
  else host.stdout.write(`${path}\n${use}\n`);
  if (plugin.device !== "cuda" || json) return;
  const folder = path.slice(0, -plugin.library.length);
  const beside = relative(dirname(path), join(folder, "nvidia"));
  host.stderr.write(
    `It needs NVIDIA's driver, and the libraries of CUDA 13, cuDNN and NCCL: of the system, or those of NVIDIA's wheels in\n` +
      `${join(folder, "nvidia")} (${beside} beside the library).\n`,
  );
}
