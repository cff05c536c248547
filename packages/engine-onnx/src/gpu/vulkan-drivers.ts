import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

type Environment = { readonly [variable: string]: string | undefined };

/**
 * Files in which drivers tell Vulkan's loader of themselves on Linux, where its documentation says that it looks.
 *
 * Without any, WebGPU finds no GPU, and says so on the standard error output in several lines that nobody can turn off.
 */
export function vulkanDrivers(env: Environment = process.env, home = homedir()): readonly string[] {
  const named = env["VK_DRIVER_FILES"] ?? env["VK_ICD_FILENAMES"];
  const files = listOf(named).filter((path) => existsSync(path));
  if (named !== undefined) return files.flatMap((path) => (path.endsWith(".json") ? [path] : manifestsIn(path)));
  const roots = [
    env["XDG_CONFIG_HOME"] ?? join(home, ".config"),
    ...listOf(env["XDG_CONFIG_DIRS"] ?? "/etc/xdg"),
    "/etc",
    env["XDG_DATA_HOME"] ?? join(home, ".local/share"),
    ...listOf(env["XDG_DATA_DIRS"] ?? "/usr/local/share:/usr/share"),
    // Where NixOS has them.
    "/run/opengl-driver/share",
  ];
  return [...listOf(env["VK_ADD_DRIVER_FILES"]), ...roots.flatMap((root) => manifestsIn(join(root, "vulkan/icd.d")))];
}

function listOf(paths = ""): string[] {
  return paths.split(delimiter).filter((path) => path !== "");
}

function manifestsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
