import { messageOf, PipeError } from "@pipe/core";
import type { Host } from "./host.ts";
import { usageError } from "./usage.ts";
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

const HELP = `pipe: train, evaluate, use and search with language models on your own text

  pipe init [folder]            a recipe of your own, to change; --text <files> names what it is trained on
  pipe init plugin <folder>     a package that adds a metric, to change
  pipe train [recipe]           train a model; recipes: quick, shakespeare-char, gpt2-124m, chem, finetune,
                                or a file
      --set path=value          change a field of the recipe (may be repeated)
      --name <run>              name of the run; default the recipe's
      --resume[=<run>]          go on from the newest checkpoint
      --dry-run                 a few steps, an evaluation, a checkpoint, a sample; says what it would need
      --profile <file>          the same, and a trace of every op, which Perfetto opens
      --nodes <n> --node <k> --master <host:port> --secret-file <path>
                                one of several hosts with NVIDIA's GPUs, through XLA
  pipe find-lr [recipe]         try rising learning rates and suggest one; makes no run
      --set path=value --from <rate> --to <rate> --steps <n> --svg <file>
  pipe data build [recipe]      turn a recipe's text into tokens on disk, as training does first
  pipe data inspect <folder>    what such a folder holds, and how its text begins; or a shard alone
  pipe model describe [recipe]  a model's parameters, and the memory that training it takes; or of a --run <run>
  pipe eval --run <run>         measure a run's model on its validation text
      --checkpoint best|newest|<step>
      --set path=value          on other text, with data.source.path
  pipe generate --run <run>     let it write
      --checkpoint best|newest|<step>
      --prompt <text> --tokens <n> --seed <n> --temperature <t> --top-k <k> --top-p <p>
      --min-p <p> --repetition-penalty <r> --stop <text> --overflow slide|stop
      --engine <kind>           onnx or xla; default the one that the run was trained on
      --context <index>         put passages that it finds for the prompt before it; --context-tokens <n>
  pipe import hf <model>        a run of a model that transformers saved: its folder, or owner/name on Hugging Face's hub
      --name <run>              default the model's
  pipe export hf --run <run> --out <folder>
                                a folder that transformers loads
  pipe export onnx --run <run> --out <file>
                                a model for any ONNX runtime
      --batch <n> --length <n>  its fixed sizes; default 1 and the model's positions
      --checkpoint best|newest|<step>
  pipe index <folder>           index markdown
      --index <folder>          where the index lies; default .pipe/index
      --run <run>               also by meaning, with the run's model; later calls go on with it, or --words
      --whiten                  take out of the run's vectors what all passages share
      --embedder <model>        by meaning, with a sentence embedding model in ONNX: its folder, or owner/name on
                                Hugging Face's hub, such as sentence-transformers/all-MiniLM-L6-v2
      --prune                   forget documents that are no longer there
      --engine <kind>           as in generate
      --watch                   go on with every change of the folder
      --collection <name>       keep it apart from other folders of this index
  pipe index status             what an index holds and what failed; retry reads that again
  pipe index verify             check it against its checksums; repair mends it, compact makes it smaller
  pipe index export <file>      all of it as lines of JSON; import <file> takes them into another index
  pipe index serve --mcp        offer it to programs that speak the Model Context Protocol
  pipe search <query>           search it
      --index <folder> --mode lexical|vector|hybrid --limit <n> --explain --like <document>
      --engine <kind>
      --path <glob> --field <name>=<value> --heading <h> --language <l> --since <date> --until <date>
      --collection <name>       only where all of these fit
  pipe runs [list]              list runs; verify or remove one: pipe runs verify <run>
  pipe runs show <run>          its curves and figures; --svg <file>, --png <file> --theme light|dark draw them
  pipe runs compare <run> <run> the same of several runs, and the settings that differ
  pipe dashboard                runs as they happen, in a browser
      --run <run> --port <n>    show this one first; default port 7878, 0 takes any that is free
  pipe engines [doctor]         what can compute here, and what brings the rest
  pipe engines install xla-cpu|xla-cuda13
                                fetch XLA for this machine's processor, or for NVIDIA GPUs
  pipe bench [--seconds 6]      which engine is the fastest here, for engine: { kind: auto }
  pipe config show [recipe]     a recipe with all defaults and what is set over it
  pipe config explain [recipe]  the same, with where each value came from
  pipe config graph [recipe]    its parts, who makes them and what they need; --mermaid draws a chart
  pipe config schema [recipe]   JSON Schema for editors, of all that is installed and the recipe's plug-ins
      --set path=value          as in train

  recipes: fields are set by the file, then by PIPE_* variables (PIPE_TRAINING__STEPS=100), then by --set

  everywhere: --json (one JSON object a line on stdout), --runs-dir <folder> (default runs), --help
  pipe --version                the version of this command
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
  "model-missing",
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
    if (name === "version" || name === "--version") {
      const all = versions();
      host.stdout.write(json ? `${JSON.stringify(all)}\n` : `${all["@pipe/trainer"]}\n`);
      return 0;
    }
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
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
