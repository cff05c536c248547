import { messageOf, PipeError } from "@pipe/core";
import { commandNames, helpOf } from "./help.ts";
import type { Host } from "./host.ts";
import { asRefusal } from "./system-error.ts";
import { unknownCommand, usageError } from "./usage.ts";
import { versions } from "./versions.ts";

/** Runs one command; resolves to its exit code. */
export type Command = (args: readonly string[], host: Host) => Promise<number>;

const commands: { readonly [name: string]: () => Promise<Command> } = {
  init: async () => (await import("./commands/init.ts")).init,
  data: async () => (await import("./commands/data.ts")).data,
  model: async () => (await import("./commands/model.ts")).model,
  train: async () => (await import("./commands/train.ts")).train,
  "find-lr": async () => (await import("./commands/find-lr.ts")).findLr,
  eval: async () => (await import("./commands/eval.ts")).evaluate,
  generate: async () => (await import("./commands/generate.ts")).generate,
  import: async () => (await import("./commands/import.ts")).importModel,
  export: async () => (await import("./commands/export.ts")).exportModel,
  index: async () => (await import("./commands/index-folder.ts")).indexFolder,
  search: async () => (await import("./commands/search.ts")).search,
  dashboard: async () => (await import("./commands/dashboard.ts")).dashboard,
  runs: async () => (await import("./commands/runs.ts")).runs,
  engines: async () => (await import("./commands/engines.ts")).engines,
  bench: async () => {
    const { engines } = await import("./commands/engines.ts");
    return (args, host) => engines(["bench", ...args], host);
  },
  config: async () => (await import("./commands/config.ts")).config,
};

/** Errors of what was typed or written into a recipe, which trying again does not mend. */
const INPUT = new Set([
  "usage",
  "finder-invalid",
  "metric-unknown",
  "config-invalid",
  "override-invalid",
  "recipe-missing",
  "recipe-invalid",
  "model-missing",
  "plugin-missing",
  "plugin-invalid",
  "plugin-incompatible",
  "component-duplicate",
  "prompt-empty",
  "text-missing",
  "sampling-invalid",
  "search-options-invalid",
]);

/** Runs the command line: 0 on success, 1 on an error, 2 on bad usage or a wrong recipe, 130 when interrupted. */
export async function run(argv: readonly string[], host: Host): Promise<number> {
  const [name, ...args] = argv;
  const json = argv.includes("--json");
  try {
    if (name === undefined || name === "help" || asksForHelp(argv)) {
      const command = name === "help" ? args[0] : name;
      if (command !== undefined && !command.startsWith("-")) loaderOf(command);
      host.stdout.write(helpOf(command));
      return name === undefined ? 2 : 0;
    }
    if (name === "version" || name === "--version") {
      const all = versions();
      host.stdout.write(json ? `${JSON.stringify(all)}\n` : `${all["@pipe/trainer"]}\n`);
      return 0;
    }
    if (name.startsWith("-"))
      throw usageError("The command comes first, its flags behind it.", `pipe <command> ${name}`);
    const command = await loaderOf(name)();
    return await command(args, host);
  } catch (thrown) {
    const error = withHelp(asRefusal(thrown), name);
    const code = PipeError.is(error) ? error.code : "internal";
    if (json) host.stdout.write(`${JSON.stringify({ event: "error", code, message: messageOf(error) })}\n`);
    host.stderr.write(`error: ${messageOf(error)}\n`);
    if (!PipeError.is(error) && error instanceof Error) host.stderr.write(`${error.stack ?? ""}\n`);
    return INPUT.has(code) ? 2 : 1;
  }
}

/** Whether one of the flags is that for help; what stands behind `--` is no flag. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? argv.length : end).some((arg) => arg === "--help" || arg === "-h");
}

/** @throws PipeError `usage`. */
function loaderOf(name: string): () => Promise<Command> {
  if (!Object.hasOwn(commands, name)) throw unknownCommand(name, commandNames);
  return commands[name]!;
}

/** An error of usage that says no fix, with where the help of the command is. */
function withHelp(error: unknown, name: string | undefined): unknown {
  if (!PipeError.is(error, "usage") || error.fix !== undefined) return error;
  const command = name !== undefined && commandNames.includes(name) ? `${name} ` : "";
  return new PipeError("usage", error.message, { fix: `pipe ${command}--help` });
}
