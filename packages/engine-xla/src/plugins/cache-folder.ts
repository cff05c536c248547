import { homedir, platform } from "node:os";
import { join } from "node:path";

/**
 * The folder for what can be fetched or made again: `PIPE_CACHE` of `env`, else `pipe` below the user's cache folder.
 * Without `env` the places that the system has by default.
 */
export function cacheFolder(
  env: { readonly [name: string]: string | undefined } = {},
  system: string = platform(),
): string {
  if (env["PIPE_CACHE"]) return env["PIPE_CACHE"];
  const home = homedir();
  if (system === "win32") return join(env["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "pipe");
  if (system === "darwin") return join(home, "Library", "Caches", "pipe");
  return join(env["XDG_CACHE_HOME"] || join(home, ".cache"), "pipe");
}
