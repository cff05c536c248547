import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type DatasetIndex, DataLoaderFactory, inspectShard, loadTokenizer, readDatasetIndex } from "@pipe/data";
import { EventBus, formatBytes, formatInteger, ProgressReporter } from "@pipe/monitor";
import { loadExperiment, runTokens } from "@pipe/pipeline";
import type { Host } from "../host.ts";
import { findRecipe, overlaid } from "../recipes.ts";
import { runsDirOf } from "../run-paths.ts";
import { table } from "../runs/table.ts";
import { parseCommand, required, unknownCommand, wholeFlag } from "../usage.ts";
import { withParts } from "../with-parts.ts";

/** `pipe data build [recipe]`, `pipe data inspect <folder or shard>`. */
export async function data(args: readonly string[], host: Host): Promise<number> {
  const [action, ...rest] = args;
  if (action === "build") return build(rest, host);
  if (action === "inspect") return inspect(rest, host);
  throw unknownCommand(required("The data command, build or inspect,", action), ["build", "inspect"], "data");
}

/** Writes the token shards of a recipe, as training would, or finds that they are there. */
async function build(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, { set: { type: "string", multiple: true } }, 1);
  const { raw, origins } = overlaid(await findRecipe(positionals[0] ?? "quick", host.cwd), host, values.set);
  const loaded = await loadExperiment(raw, { origins, from: host.cwd });
  const runsDir = runsDirOf(host, values["runs-dir"]);
  const json = values.json === true;
  const events = new EventBus();
  const reporter = new ProgressReporter(
    json ? { output: host.stdout, mode: "json" } : { output: host.stderr, mode: "plain" },
  );
  const shown = reporter.attach(events);
  const abort = new AbortController();
  const interrupts = host.onInterrupt(() => (abort.signal.aborted ? host.exit() : abort.abort()));
  try {
    const { folder, reused } = await withParts(loaded, { host, runsDir, events, signal: abort.signal }, (parts) =>
      parts.get(runTokens.dataset),
    );
    if (json) return 0; // its event has said all
    host.stdout.write(`${reused ? "there already" : "written"}: ${folder}\n\n`);
    host.stdout.write(datasetText(await readDatasetIndex(folder)));
    return 0;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    host.stderr.write("stopped; nothing was changed\n");
    return 130;
  } finally {
    interrupts[Symbol.dispose]();
    shown[Symbol.dispose]();
  }
}

/** Says what a folder of token shards holds, with the beginning of its text, or what one shard holds. */
async function inspect(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(args, { tokens: { type: "string", default: "64" } }, 1);
  const path = resolve(host.cwd, required("The folder", positionals[0]));
  const length = wholeFlag("tokens", values.tokens, 1);
  const json = values.json === true;
  if ((await stat(path).catch(() => undefined))?.isFile() === true) {
    const shard = inspectShard(path);
    if (json) host.stdout.write(`${JSON.stringify(shard)}\n`);
    else host.stdout.write(`${formatInteger(shard.tokens)} tokens of ${shard.bytesPerToken} bytes\n`);
    return 0;
  }
  const index = await readDatasetIndex(path);
  const text = await beginning(path, length);
  if (json) host.stdout.write(`${JSON.stringify({ ...index, text })}\n`);
  else host.stdout.write(`${datasetText(index)}\nits first ${length} tokens: ${JSON.stringify(text)}\n`);
  return 0;
}

/** The first tokens that are trained on, as text. */
async function beginning(folder: string, sequenceLength: number): Promise<string> {
  const tokenizer = await loadTokenizer(join(folder, "tokenizer.json"));
  const loader = await new DataLoaderFactory({ folder }).create({
    split: "train",
    batch: 1,
    sequenceLength,
    shuffle: false,
    repeat: false,
  });
  try {
    for await (const { arrays, tokens } of loader.batches())
      return tokenizer.decode(arrays["ids"]!.subarray(0, tokens));
    return "";
  } finally {
    await loader[Symbol.asyncDispose]();
  }
}

function datasetText({ tokenizer, source, split, splits, emptyDocuments }: DatasetIndex): string {
  const lines = [
    `source      ${source.kind}: ${formatInteger(source.files)} files, ${formatBytes(source.bytes)}`,
    `tokenizer   ${tokenizer.id}, vocabulary ${formatInteger(tokenizer.vocabulary)}`,
    `split       by ${split.by}, ${100 * split.fraction} % to measure with`,
    ...(emptyDocuments === 0 ? [] : [`left out    ${formatInteger(emptyDocuments)} documents without text`]),
  ];
  const rows = Object.entries(splits).map(([name, { documents, tokens, bytes, shards }]) => [
    name,
    ...[documents, tokens].map(formatInteger),
    formatBytes(bytes),
    (bytes / Math.max(1, tokens)).toFixed(2),
    formatInteger(shards.length),
  ]);
  const head = ["", "documents", "tokens", "text", "bytes a token", "shards"];
  return `${lines.join("\n")}\n\n${table([head, ...rows], 1)}`;
}
