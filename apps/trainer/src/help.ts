const RECIPES = `
  Recipes that come along: quick, shakespeare-char, gpt2-124m, chem, finetune; default quick.
  Fields are set by the file, then by PIPE_* variables (PIPE_TRAINING__STEPS=100), then by --set.
`;
const MODEL = `
  --run <run>               a run's name, or its folder
  --checkpoint <which>      best, newest or a step; default newest`;

/** A line about each command, and everything about it. */
const commands: { readonly [name: string]: readonly [outline: string, details: string] } = {
  init: [
    "write a recipe of your own, or a plug-in, to change",
    `pipe init [folder]          a recipe.yaml and the schema for editors; default this folder
  --text <files>            what it is trained on: a file, a folder or a pattern

pipe init plugin <folder>   a package that adds a metric`,
  ],
  train: [
    "train a model, or go on with a run",
    `pipe train [recipe]         a recipe by name or from a file

  --set path=value          change a field of the recipe; may be repeated
  --name <run>              name of the run; default the recipe's, with a number where it is taken
  --resume[=<run>]          go on from the newest checkpoint of this run; without a name, of the newest run
  --dry-run                 a few steps, an evaluation, a checkpoint, a sample; says what it would need
  --profile <file>          the same, and a trace of every op, which Perfetto opens; with ONNX Runtime

  One of several hosts with NVIDIA's GPUs, through XLA:
  --nodes <n> --node <k> --master <host:port> --secret-file <path>
${RECIPES}`,
  ],
  "find-lr": [
    "try rising learning rates and suggest one",
    `pipe find-lr [recipe]       makes no run

  --from <rate>             the first rate; default 1e-6
  --to <rate>               the last one; default 1
  --steps <n>               how many between them; default 100
  --svg <file>              draw the curve
  --set path=value          change a field of the recipe; may be repeated
${RECIPES}`,
  ],
  eval: [
    "measure a run's model on its validation text",
    `pipe eval --run <run>
${MODEL}
  --set path=value          on other text: data.source.path=<path>`,
  ],
  generate: [
    "let a run's model write",
    `pipe generate --run <run> --prompt <text>
${MODEL}
  --prompt <text>           what it continues
  --tokens <n>              how many tokens at most; default 200
  --seed <n>                the same seed gives the same text; default 0
  --temperature <t>         0 takes the likeliest token; default 0.8
  --top-k <k>               only the k likeliest tokens
  --top-p <p>               only the likeliest tokens that together have probability p
  --min-p <p>               only tokens at least p times as likely as the likeliest
  --repetition-penalty <r>  above 1: what was written becomes less likely
  --stop <text>             end before this text; may be repeated
  --overflow slide|stop     where the model's positions are used up: forget the beginning, or end; default slide
  --engine <kind>           onnx, xla or tfjs; default the one that the run was trained on
  --context <index>         put passages that this index has for the prompt before it
  --context-tokens <n>      how many tokens of them; default 256
  --rerank <model>          a cross-encoder that orders them, as in pipe search`,
  ],
  index: [
    "index markdown, keep an index whole, serve it",
    `pipe index <folder>         index its markdown; again, only what has changed

  --index <folder>          where the index lies; default .pipe/index
  --collection <name>       keep the folder apart from others of this index; default default
  --run <run>               by meaning too, with the run's model; later calls go on with it
  --embedder <model>        by meaning too, with a sentence embedding model in ONNX: its folder, or owner/name
                            on Hugging Face's hub, such as sentence-transformers/all-MiniLM-L6-v2; or one of its
                            ONNX files, such as <folder or owner/name>/onnx/model_qint8_avx512_vnni.onnx
  --words                   by words only this time
  --whiten                  take out of the run's vectors what all passages share
  --engine <kind>           what computes the run's model: onnx, xla or tfjs
  --prune                   forget documents that are no longer there
  --watch                   go on with every change of the folder until Ctrl-C

pipe index status           what an index holds, and what failed
pipe index retry            read again what failed
pipe index verify           check it against its checksums
pipe index repair           drop what is damaged
pipe index compact          give back the space of what was removed
pipe index export <file|->  all of it as lines of JSON
pipe index import <file|->  take such lines into an index
pipe index evaluate <file>  how well it answers questions of your own: lines of {"query": …, "path": …}; --depth <n>
                            documents that count (10), --rerank as in pipe search
pipe index serve --mcp      offer it to programs that speak the Model Context Protocol; --rerank as in pipe search

  --index <folder>          each of them; default .pipe/index`,
  ],
  search: [
    "search an index by words and by meaning",
    `pipe search <query>

  --index <folder>          default .pipe/index
  --mode <mode>             lexical (words), vector (meaning) or hybrid (both); default what the index has
  --limit <n>               hits at most; default 5
  --like <document>         what resembles a document, named as the index names it
  --rerank <model>          a cross-encoder that reads the best passages beside the query: a folder with its ONNX
                            files, or owner/name on Hugging Face's hub
  --explain                 where each score comes from
  --engine <kind>           what computes the index's model: onnx, xla or tfjs

  Only where all of these fit:
  --path <glob>             the document's path: "guide/**"
  --heading <text>          a heading above the passage or in it
  --language <name>         the language of a code block
  --field name=value        a field of the front matter; may be repeated
  --since <date>            the front matter's date, as 2026-01-31
  --until <date>
  --collection <name>       may be repeated`,
  ],
  runs: [
    "list, show, compare, check and remove runs",
    `pipe runs [list]            a line a run
pipe runs show <run>        its curves and figures
pipe runs compare <run> <run> …
                            the same of several, and the settings that differ
pipe runs verify <run>      check its checkpoints against their checksums
pipe runs remove <run>      remove it with its checkpoints

  Of show and compare:
  --svg <file>              draw the curves
  --png <file>
  --theme light|dark        of these pictures; default light`,
  ],
  dashboard: [
    "runs as they happen, in a browser",
    `pipe dashboard              follows all runs until Ctrl-C

  --run <run>               show this one first
  --port <n>                default 7878; 0 takes any that is free`,
  ],
  data: [
    "turn a recipe's text into tokens, and look at them",
    `pipe data build [recipe]    write the tokens that training would write first
  --set path=value          change a field of the recipe; may be repeated

pipe data inspect <folder>  documents, tokens and how the text begins; or of one shard
  --tokens <n>              how many tokens of the text; default 64
${RECIPES}`,
  ],
  model: [
    "a model's parameters, and what training it takes",
    `pipe model describe [recipe]
  --set path=value          change a field of the recipe; may be repeated

pipe model describe --run <run>
  --checkpoint <which>      best, newest or a step; default newest
${RECIPES}`,
  ],
  import: [
    "make a run of a model that transformers saved",
    `pipe import hf <model>      its folder, or owner/name on Hugging Face's hub, such as openai-community/gpt2

  --name <run>              default the model's`,
  ],
  export: [
    "write a run's model for transformers or ONNX",
    `pipe export hf --run <run> --out <folder>
                            a folder that transformers loads
pipe export onnx --run <run> --out <file>
                            a model for any ONNX runtime
  --batch <n>               its fixed sizes; default 1
  --length <n>              default the model's positions

  Of both:
  --checkpoint <which>      best, newest or a step; default newest`,
  ],
  engines: [
    "what can compute here, and what brings the rest",
    `pipe engines [doctor]
pipe engines install xla-cpu|xla-cuda13
                            fetch XLA for this machine's processor, or for NVIDIA's GPUs`,
  ],
  bench: [
    "measure which engine is the fastest here",
    `pipe bench                  a small model on each; engine: { kind: auto } takes the fastest

  --seconds <n>             for each engine; default 6`,
  ],
  config: [
    "a recipe's fields, parts and schema",
    `pipe config show [recipe]   all fields, with defaults and what is set over them
pipe config explain [recipe]
                            the same, with where each value comes from
pipe config graph [recipe]  its parts, who makes them and what they need
  --mermaid                 as a chart
pipe config schema [recipe] JSON Schema for editors, of all that is installed and the recipe's plug-ins

  --set path=value          change a field of the recipe; may be repeated
${RECIPES}`,
  ],
};

/** The names of all commands. */
export const commandNames: readonly string[] = Object.keys(commands);

/** What a command does and takes; of no command, or of none that there is, all commands. */
export function helpOf(command: string | undefined): string {
  if (command !== undefined && Object.hasOwn(commands, command)) {
    const [outline, details] = commands[command]!;
    return `${outline}\n\n${details.trimEnd()}\n\n${EVERYWHERE}`;
  }
  const lines = Object.entries(commands).map(([name, [outline]]) => `  pipe ${name.padEnd(11)} ${outline}\n`);
  return `train, evaluate, use and search with language models on your own text

${lines.join("")}
  pipe <command> --help       what it does and takes
  pipe --version              the version of this command

begin with: pipe train quick

${EVERYWHERE}`;
}

const EVERYWHERE = `everywhere: --json (one JSON object a line on stdout), --runs-dir <folder> (default runs), --help
`;
