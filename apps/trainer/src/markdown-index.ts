import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import type { IEmbedder } from "@pipe/core";
import { MarkdownIndexer } from "@pipe/indexer";
import { embedderOf, openTrainedModel } from "@pipe/pipeline";
import { engineFor, withEngine } from "./engine.ts";
import type { Host } from "./host.ts";

const EMBEDDER = "embedder.json";

/** Notes beside an index which run's model makes its vectors. */
export async function noteEmbedder(index: string, run: string): Promise<void> {
  await mkdir(index, { recursive: true });
  await writeFile(join(index, EMBEDDER), `${JSON.stringify({ run: relative(index, run) })}\n`);
}

/** The run whose model makes an index's vectors, if there is one. */
export async function notedEmbedder(index: string): Promise<string | undefined> {
  try {
    const { run } = JSON.parse(await readFile(join(index, EMBEDDER), "utf8")) as { run: string };
    return resolve(index, run);
  } catch {
    return undefined;
  }
}

/** Opens an index, with the model of a run where one is given, and closes both. */
export async function withIndex<T>(
  host: Pick<Host, "env">,
  options: {
    readonly index: string;
    readonly run?: string | undefined;
    readonly create: boolean;
    /** Kind of the engine that runs the model; default the one that the run was trained on. */
    readonly engine?: string | undefined;
  },
  body: (indexer: MarkdownIndexer) => Promise<T>,
): Promise<T> {
  const { index, run, create, engine: kind } = options;
  const open = async (embedder?: IEmbedder): Promise<T> => {
    const indexer = await MarkdownIndexer.open({
      folder: index,
      create,
      ...(embedder === undefined ? {} : { embedder }),
    });
    try {
      return await body(indexer);
    } finally {
      await indexer[Symbol.asyncDispose]();
    }
  };
  if (run === undefined) return open();
  return withEngine(host, await engineFor(run, kind), async (engine) =>
    open(embedderOf(await openTrainedModel(run, engine), engine)),
  );
}

/** The folder of an index that is not named: that of a run, or `.pipe/index`. */
export function defaultIndex(cwd: string): string {
  return join(cwd, ".pipe", "index");
}
