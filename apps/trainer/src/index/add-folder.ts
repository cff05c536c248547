import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type IndexReport, messageOf, PipeError } from "@pipe/core";
import { sourceRoot } from "@pipe/data";
import type { MarkdownIndexer } from "@pipe/indexer";
import { formatPlural } from "@pipe/monitor";
import type { Host } from "../host.ts";
import {
  indexFolderOf,
  notedEmbedder,
  notedSources,
  noteEmbedder,
  noteSource,
  usableEmbedder,
  withIndex,
} from "../markdown-index.ts";
import { sentenceModelPath, textModelAt } from "../model-folder.ts";
import { runPath, runsDirOf } from "../run-paths.ts";
import { engineFlag, parseCommand, required, usageError } from "../usage.ts";
import { indexFolderInto } from "./index-folder-into.ts";
import { IndexProgressLine } from "./progress-line.ts";
import { sampleFor } from "./sample-passages.ts";
import { SourceWatch } from "./watch-source.ts";
import { dropWhitening } from "./whitening-file.ts";

const INTERRUPTED = new Error("interrupted");

/** `pipe index [add] <folder>`: indexes markdown, by words, and by meaning with a run's model. */
export async function addFolder(args: readonly string[], host: Host): Promise<number> {
  const { values, positionals } = parseCommand(
    args,
    {
      index: { type: "string" },
      run: { type: "string" },
      embedder: { type: "string" },
      engine: { type: "string" },
      words: { type: "boolean" },
      whiten: { type: "boolean" },
      prune: { type: "boolean" },
      watch: { type: "boolean" },
      collection: { type: "string", default: "default" },
    },
    1,
  );
  const folder = resolve(host.cwd, required("The folder to index", positionals[0]));
  // Said before an index is made for it.
  if (!existsSync(folder) && !/[*?[\]{}()!]/.test(folder)) {
    const fix = "correct the path; `pipe index --help` lists what else the command does";
    throw new PipeError("source-missing", "There is nothing to index in this place.", { where: folder, fix });
  }
  const index = indexFolderOf(host.cwd, values.index);
  const engine = engineFlag(values.engine);
  const { words, run: runName, embedder } = values;
  if ([words === true, runName !== undefined, embedder !== undefined].filter(Boolean).length > 1)
    throw usageError("--words, --run and --embedder exclude each other.");
  const ofRun = runName === undefined ? undefined : runPath(host, runsDirOf(host, values["runs-dir"]), runName);
  const named = embedder === undefined ? ofRun : await sentenceModelPath(host, embedder);
  // An index that has vectors goes on getting them, with the model that made them.
  const run = named ?? (words === true ? undefined : await usableEmbedder(index, host, "indexing"));
  const isOwn = run !== undefined && textModelAt(run) === undefined;
  if (values.whiten === true && !isOwn) throw usageError("--whiten is for the vectors of a run's model: --run <run>.");
  if (named !== undefined && named !== (await notedEmbedder(index))) await dropWhitening(index);
  const sample = isOwn ? await sampleFor(index, folder, values.whiten === true) : undefined;
  const { collection } = values;
  const prune = values.prune === true || values.watch === true;
  const other = (await notedSources(index))[collection];
  if (other !== undefined && other !== folder && existsSync(await sourceRoot(other))) {
    const fate = prune ? "what comes from there is removed" : "files of equal paths take each other's place";
    host.stderr.write(
      `warning: the collection ${collection} was made of ${other}, and ${fate}; --collection <name> keeps them apart\n`,
    );
  }
  const interrupt = new AbortController();
  const interrupts = host.onInterrupt(() => (interrupt.signal.aborted ? host.exit() : interrupt.abort(INTERRUPTED)));
  const tell = (report: IndexReport): void => {
    for (const { id, message } of report.warnings) host.stderr.write(`warning: ${id}: ${message}\n`);
    for (const { id, message } of report.failures) host.stderr.write(`not indexed: ${id}: ${message}\n`);
    host.stdout.write(values.json === true ? `${JSON.stringify({ index, ...report })}\n` : formatReport(report, index));
  };
  const once = async (indexer: MarkdownIndexer): Promise<IndexReport> => {
    const line = new IndexProgressLine(host.stderr);
    try {
      const onProgress = line.update.bind(line);
      return await indexFolderInto(indexer, folder, { prune, collection, signal: interrupt.signal, onProgress });
    } finally {
      line[Symbol.dispose]();
    }
  };
  // Before the first pass, which may take long: what changes meanwhile is read again.
  const watched = values.watch === true ? await SourceWatch.open(folder, index) : undefined;
  try {
    return await withIndex(
      host,
      { index, run, create: true, worker: true, engine, sample },
      async (indexer, embedder) => {
        const report = await once(indexer);
        await noteSource(index, collection, folder);
        if (named !== undefined) await noteEmbedder(index, named);
        tell(report);
        const { chunks, vectors } = await indexer.status();
        if (embedder === undefined && vectors > 0 && vectors < chunks) {
          host.stderr.write(
            `warning: ${formatPlural(chunks - vectors, "passage")} without a vector; index again with --run or --embedder to give them one\n`,
          );
        }
        if (watched === undefined) return 0;
        host.stderr.write(`watching ${folder}; Ctrl-C ends it\n`);
        await watched.follow(interrupt.signal, async () => {
          try {
            const next = await once(indexer);
            if (next.unchanged < next.documents || next.removed > 0) tell(next);
          } catch (error) {
            if (error !== INTERRUPTED) host.stderr.write(`error: ${messageOf(error)}\n`);
          }
        });
        return 130;
      },
    );
  } catch (error) {
    if (error !== INTERRUPTED) throw error;
    host.stderr.write("stopped; what was stored stays, and the same command goes on from there\n");
    return 130;
  } finally {
    watched?.[Symbol.dispose]();
    interrupts[Symbol.dispose]();
  }
}

function formatReport(
  { documents, unchanged, chunks, embedded, removed, failures }: IndexReport,
  index: string,
): string {
  const parts = [
    `${formatPlural(documents - unchanged, "document")} indexed`,
    ...(unchanged === 0 ? [] : [`${unchanged} unchanged`]),
    ...(removed === 0 ? [] : [`${removed} removed`]),
    formatPlural(chunks, "passage"),
    ...(embedded === 0 ? [] : [`${embedded} embedded`]),
    ...(failures.length === 0 ? [] : [`${failures.length} failed (pipe index retry)`]),
  ];
  return `${parts.join(", ")}; index: ${index}\n`;
}
