// Unpacks MPICH from its wheel for Python into the cache. Needs pip. Linux on x64.
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache.mjs";
import { makeFolder, unpackWheel } from "./unpack-wheel.mjs";

const wheel = {
  package: "mpich==5.0.2",
  platform: ["--platform", "manylinux_2_28_x86_64"],
  sha256: "8fed465ebff269ea2ebac179a25de02671ddf8df476e0f115be089015015cfd4",
};
const home = cacheFolder("mpich-5.0.2");

/** The folder with `bin` and `lib`, if it is there. */
export function findMpich() {
  return existsSync(join(home, "bin/mpirun")) ? home : undefined;
}

/** @param {string} folder */
function unpackMpich(folder) {
  unpackWheel(folder, wheel);
  const data = join(folder, "wheel/mpich-5.0.2.data/data");
  for (const name of readdirSync(join(data, "bin"))) chmodSync(join(data, "bin", name), 0o755);
  return data;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && findMpich() === undefined) makeFolder(home, unpackMpich);
