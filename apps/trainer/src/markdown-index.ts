import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { definedOnly, type IEmbedder, PipeError } from "@pipe/core";
import { type IndexedVersion, MarkdownIndexer, OnnxEmbedder, OnnxReranker, type StrategyConfig } from "@pipe/indexer";
import { resolveCheckpoint } from "@pipe/persist";
import type { IndexParts } from "@pipe/pipeline";
import type { Host } from "./host.ts";
import type { RunPartsOptions } from "./index-parts-of.ts";
import { textModelAt, type TextModelPlace } from "./model-folder.ts";
import { replaceFile } from "./index/replace-file.ts";
import { checkpointOf, whiteningStep } from "./index/whitening-file.ts";

const EMBEDDER = "embedder.json";
const SOURCES = "sources.json";

/** Notes beside an index what makes its vectors: the model of a run, or a sentence embedding model in a folder. */
export async function noteEmbedder(index: string, model: string): Promise<void> {
  const note = { [textModelAt(model) === undefined ? "run" : "sentenceModel"]: relative(index, model) };
  await replaceFile(index, EMBEDDER, `${JSON.stringify(note)}\n`);
}

/** The folder of the run or of the sentence embedding model that makes an index's vectors, if there is one. */
export async function notedEmbedder(index: string): Promise<string | undefined> {
  const { run, sentenceModel = run } =
    (await readNote<{ run?: string; sentenceModel?: string }>(index, EMBEDDER)) ?? {};
  return sentenceModel === undefined ? undefined : resolve(index, sentenceModel);
}

/** The same, or nothing with a warning where its model is gone: words can be indexed and searched all the same. */
export async function usableEmbedder(index: string, host: Host, doing: string): Promise<string | undefined> {
  const run = await notedEmbedder(index);
  if (run === undefined || textModelAt(run) !== undefined) return run;
  try {
    const fitting = doing === "searching" ? await checkpointOf(run, await whiteningStep(index)) : undefined;
    const { location } = await resolveCheckpoint(run, fitting);
    if (existsSync(join(location, "config.json"))) return run;
  } catch (error) {
    if (!PipeError.is(error)) throw error;
  }
  host.stderr.write(`warning: ${doing} by words only, the model of this index is gone: ${run}\n`);
  return undefined;
}

/** Notes beside an index which folder a collection comes from. */
export async function noteSource(index: string, collection: string, folder: string): Promise<void> {
  const known = (await readNote<{ [collection: string]: string }>(index, SOURCES)) ?? {};
  await replaceFile(index, SOURCES, `${JSON.stringify({ ...known, [collection]: relative(index, folder) })}\n`);
}

/** The folder of each collection that is known to come from one. */
export async function notedSources(index: string): Promise<{ readonly [collection: string]: string }> {
  const known = (await readNote<{ [collection: string]: string }>(index, SOURCES)) ?? {};
  return Object.fromEntries(Object.entries(known).map(([collection, folder]) => [collection, resolve(index, folder)]));
}

/** The folder to which the paths of each collection are relative; a collection may come from a file or a glob. */
async function rootsOf(index: string): Promise<ReadonlyMap<string, string>> {
  const sources = Object.entries(await notedSources(index));
  return new Map(await Promise.all(sources.map(async ([name, path]) => [name, await rootOf(path)] as const)));
}

/** Most sources are folders, for which nothing has to be loaded. */
async function rootOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  return info?.isDirectory() === true ? path : (await import("@pipe/data")).sourceRoot(path);
}

/** Opens an index, with the model of a run or a sentence embedding model where one is given, and closes both. */
export async function withIndex<T>(
  host: Pick<Host, "env">,
  options: {
    readonly index: string;
    /** Folder of a run, or of a sentence embedding model. */
    readonly run?: string | undefined;
    readonly create: boolean;
    /** Kind of the engine that runs the model; default the one that the run was trained on. */
    readonly engine?: string | undefined;
    /** A cross-encoder, which orders the best passages anew. */
    readonly reranker?: TextModelPlace | undefined;
    /** Whether to work in threads of its own; default false, as most commands are short. */
    readonly worker?: boolean;
    /** How documents are cut; default by sections. */
    readonly strategy?: StrategyConfig | undefined;
    /** Texts to estimate a whitening from, where the vectors of a run's model are to have one. */
    readonly sample?: RunPartsOptions["sample"];
  },
  body: (indexer: MarkdownIndexer, embedder: IEmbedder | undefined) => Promise<T>,
): Promise<T> {
  const { index, run, create, engine: kind, reranker, worker = false, strategy, sample } = options;
  const roots = await rootsOf(index);
  const isChanged = (version: IndexedVersion): Promise<boolean> => hasChanged(roots, version);
  return using(run === undefined ? undefined : openModel(host, { index, run, engine: kind, sample }), (parts) =>
    using(reranker === undefined ? undefined : OnnxReranker.open(reranker), (opened) => {
      const given = definedOnly({ embedder: parts?.embedder, vectors: parts?.vectors, reranker: opened, strategy });
      return using(MarkdownIndexer.open({ folder: index, create, worker, isChanged, ...given }), (indexer) =>
        body(indexer!, parts?.embedder),
      );
    }),
  );
}

/** Does something with what is opened, if anything is, and closes it. */
async function using<R extends AsyncDisposable, T>(
  opening: Promise<R> | undefined,
  body: (opened: R | undefined) => Promise<T>,
): Promise<T> {
  const opened = await opening;
  try {
    return await body(opened);
  } finally {
    await opened?.[Symbol.asyncDispose]();
  }
}

function openModel(host: Pick<Host, "env">, options: RunPartsOptions): Promise<IndexParts> {
  const place = textModelAt(options.run);
  return place === undefined ? openRunModel(host, options) : openSentenceModel(place);
}

async function openSentenceModel(place: TextModelPlace): Promise<IndexParts> {
  const embedder = await OnnxEmbedder.open(place);
  return { embedder, [Symbol.asyncDispose]: () => embedder[Symbol.asyncDispose]() };
}

/** What runs a model of ours takes a third of a second to load: only who has one waits for it. */
async function openRunModel(host: Pick<Host, "env">, options: RunPartsOptions): Promise<IndexParts> {
  const { openRunParts } = await import("./index-parts-of.ts");
  return openRunParts(host, options);
}

/** The folder of an index: the one that is named, or `.pipe/index`. */
export function indexFolderOf(cwd: string, named: string | undefined): string {
  return named === undefined ? join(cwd, ".pipe", "index") : resolve(cwd, named);
}

/** Whether a file is not as it was indexed. What comes from no known folder counts as unchanged. */
async function hasChanged(
  roots: ReadonlyMap<string, string>,
  { collection, path, sha256 }: IndexedVersion,
): Promise<boolean> {
  const folder = roots.get(collection);
  if (folder === undefined) return false;
  const bytes = await readFile(join(folder, path)).catch(() => undefined);
  if (bytes === undefined) return true;
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return createHash("sha256").update(bytes.subarray(mark)).digest("hex") !== sha256;
}

async function readNote<T>(index: string, name: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(join(index, name), "utf8")) as T;
  } catch {
    return undefined;
  }
}
