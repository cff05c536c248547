import { messageOf, PipeError } from "@pipe/core";
import type { Host } from "./host.ts";
import { usageError } from "./usage.ts";

/** Runs one command; resolves to its exit code. */
export type Command = (args: readonly string[], host: Host) => Promise<number>;

const commands: { readonly [name: string]: () => Promise<Command> } = {
  train: async () => (await import("./commands/train.ts")).train,
  "find-lr": async () => (await import("./commands/find-lr.ts")).findLr,
  eval: async () => (await import("./commands/eval.ts")).evaluate,
  generate: async () => (await import("./commands/generate.ts")).generate,
  index: async () => (await import("./commands/index-folder.ts")).indexFolder,
  search: async () => (await import("./commands/search.ts")).search,
  runs: async () => (await import("./commands/runs.ts")).runs,
  engines: async () => (await import("./commands/engines.ts")).engines,
  config: async () => (await import("./commands/config.ts")).config,
};

const HELP = `pipe: train, evaluate, use and search with language models on your own text

  pipe train [recipe]           train a model; recipes: quick, shakespeare-char, or a file
      --set path=value          change a field of the recipe (may be repeated)
      --name <run>              name of the run; default the recipe's
      --resume[=<run>]          go on from the newest checkpoint
  pipe find-lr [recipe]         try rising learning rates and suggest one; makes no run
      --set path=value --from <rate> --to <rate> --steps <n> --svg <file>
  pipe eval --run <run>         measure a run's model on its validation text
      --checkpoint best|newest|<step>
  pipe generate --run <run>     let it write
      --checkpoint best|newest|<step>
      --prompt <text> --tokens <n> --seed <n> --temperature <t> --top-k <k> --top-p <p>
  pipe index <folder>           index markdown
      --index <folder>          where the index lies; default .pipe/index
      --run <run>               also by meaning, with the run's model
      --prune                   forget documents that are no longer there
  pipe search <query>           search it
      --index <folder> --mode lexical|vector|hybrid --limit <n>
  pipe runs [list]              list runs; show, verify or remove one: pipe runs show <run>
  pipe engines                  what can compute here
  pipe config show [recipe]     a recipe with all defaults and what is set over it
  pipe config explain [recipe]  the same, with where each value came from
  pipe config schema [recipe]   JSON Schema for editors, of all that is installed and the recipe's plug-ins
      --set path=value          as in train

  recipes: fields are set by the file, then by PIPE_* variables (PIPE_TRAINING__STEPS=100), then by --set

  everywhere: --json (one JSON object a line on stdout), --runs-dir <folder> (default runs), --help
`;

/** Errors of what was typed or written into a recipe, which trying again does not mend. */
const INPUT = new Set([
  "usage",
  "finder-invalid",
  "metric-unknown",
  "config-invalid",
  "override-invalid",
  "recipe-missing",
  "recipe-invalid",
  "plugin-missing",
  "plugin-invalid",
  "plugin-incompatible",
  "component-duplicate",
]);

/** Runs the command line: 0 on success, 1 on an error, 2 on bad usage or a wrong recipe, 130 when interrupted. */
export async function run(argv: readonly string[], host: Host): Promise<number> {
  const [name, ...args] = argv;
  const json = argv.includes("--json");
  try {
    if (name === undefined || name === "help" || name === "-h" || argv.includes("--help")) {
      host.stdout.write(HELP);
      return name === undefined ? 2 : 0;
    }
    const load = commands[name];
    if (load === undefined) throw usageError(`There is no command ${JSON.stringify(name)}.`);
    return await (
      await load()
    )(args, host);
  } catch (error) {
    const code = PipeError.is(error) ? error.code : "internal";
    if (json) host.stdout.write(`${JSON.stringify({ event: "error", code, message: messageOf(error) })}\n`);
    host.stderr.write(`error: ${messageOf(error)}\n`);
    if (!PipeError.is(error) && error instanceof Error) host.stderr.write(`${error.stack ?? ""}\n`);
    return INPUT.has(code) ? 2 : 1;
  }
}
