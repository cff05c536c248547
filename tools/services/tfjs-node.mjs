// Makes @tensorflow/tfjs-node 4.22 without its download: its binding is compiled against TensorFlow's wheel for Python.
// Needs npm, pip and g++. Linux on x64.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache.mjs";
import { makeFolder, run, unpackWheel } from "./unpack-wheel.mjs";

const wheel = {
  package: "tensorflow_cpu==2.12.1",
  platform: ["--python-version", "3.11", "--platform", "manylinux2014_x86_64"],
  sha256: "7ffb595707a8fb376deaddc768784c7a0242b16cbc6e06393b1733b2ce19f855",
};
const packages = ["@tensorflow/tfjs-node@4.22.0", "node-api-headers@1.5.0"];
const home = cacheFolder("tfjs-node-4.22.0");
const inside = "node_modules/@tensorflow/tfjs-node";

/** The package's folder, if it is made. */
export function findTfjsNode() {
  const folder = join(home, inside);
  return existsSync(join(folder, "lib/napi-v8/tfjs_binding.node")) ? folder : undefined;
}

/** @param {string} folder */
function makeTfjsNode(folder) {
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  run(folder, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...packages);
  unpackWheel(folder, wheel);
  const target = join(folder, inside);
  const libraries = join(target, "deps/lib");
  mkdirSync(libraries, { recursive: true });
  mkdirSync(join(target, "lib/napi-v8"), { recursive: true });
  const names = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
  for (const name of names) renameSync(join(folder, "wheel/tensorflow", name), join(libraries, name));
  const includes = [join(folder, "node_modules/node-api-headers/include"), join(folder, "wheel/tensorflow/include")];
  run(
    target,
    "g++",
    ...["-O2", "-std=c++17", "-shared", "-fPIC", "-DNAPI_VERSION=8"],
    ...includes.map((path) => `-I${path}`),
    ...["binding/tfjs_backend.cc", "binding/tfjs_binding.cc", "-o", "lib/napi-v8/tfjs_binding.node"],
    ...[`-L${libraries}`, ...names.map((name) => `-l:${name}`), "-Wl,-rpath,$ORIGIN/../../deps/lib"],
  );
  rmSync(join(folder, "wheel"), { recursive: true });
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && findTfjsNode() === undefined) makeFolder(home, makeTfjsNode);
