// Where services that belong to no package manager are kept between runs.
import { homedir } from "node:os";
import { join } from "node:path";

/** A folder of the project's cache: PIPE_CACHE, or the user's. @param {string[]} names */
export const cacheFolder = (...names) =>
  join(process.env["PIPE_CACHE"] || join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "pipe"), ...names);
