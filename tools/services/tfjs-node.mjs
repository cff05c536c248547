// Makes @tensorflow/tfjs-node 4.22 without its download: its binding is compiled against TensorFlow's wheel for Python.
// Needs npm, pip and g++. Linux on x64.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache.mjs";

const wheel = {
  package: "tensorflow_cpu==2.12.1",
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

/** @param {string} cwd @param {string} command @param {string[]} args */
function run(cwd, command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? `exit code ${status}`}`);
}

/** Makes it in a temporary sibling, then moves it into place. */
function makeTfjsNode() {
  mkdirSync(dirname(home), { recursive: true });
  const folder = mkdtempSync(`${home}-`);
  try {
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    run(folder, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...packages);
    const python = ["--python-version", "3.11", "--platform", "manylinux2014_x86_64", "--only-binary=:all:"];
    run(folder, "python3", "-m", "pip", "download", "--quiet", "--no-deps", ...python, wheel.package);
    const file = readdirSync(folder).find((name) => name.endsWith(".whl")) ?? "";
    const hash = createHash("sha256")
      .update(readFileSync(join(folder, file)))
      .digest("hex");
    if (hash !== wheel.sha256) throw new Error(`${file} has the hash ${hash}, expected ${wheel.sha256}`);
    const target = join(folder, inside);
    const libraries = join(target, "deps/lib");
    run(folder, "python3", "-m", "zipfile", "--extract", file, "wheel");
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
    rmSync(join(folder, file));
    rmSync(home, { recursive: true, force: true });
    renameSync(folder, home);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && findTfjsNode() === undefined) makeTfjsNode();
