// node build-files.ts <contender> <embedder> <folder of markdown> <index folder> [changed files as JSON]: indexes a folder, or takes in
// what has changed since, and prints milliseconds from opening to having it on the disk, and those of processor time. vectra, Orama
// and LanceDB are told which files have changed; ours and qmd find out. `words` and qmd have no vectors. `live` edits the files itself
// and takes that in with the index still open; it prints both times. The embedder is `trigrams`, or a folder that holds a model.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { IEmbedder } from "@pipe/core";
import { MarkdownIndexer, OnnxEmbedder } from "@pipe/indexer";
import { trigramEmbedder } from "../retrieval/trigram-embedder.ts";
import { lancedb, orama, qmd, vectra, type Work } from "./build-peers.ts";
import { editFiles, markdownIn } from "./edit-files.ts";

const [contender = "", model = "", docs = "", index = "", told] = process.argv.slice(2);
const builders: { readonly [name: string]: (embedder: IEmbedder) => Promise<(work: Work) => Promise<void>> } = {
  ours,
  words: () => ours(),
  vectra,
  orama,
  qmd,
  lancedb,
};

// Modules and models are loaded before the clock starts.
const embedder = model === "trigrams" ? trigramEmbedder : await OnnxEmbedder.open({ folder: model });
if (contender === "live") {
  const indexer = await timed(() => MarkdownIndexer.open({ folder: index, embedder }));
  const first = await timed(() => take(indexer.result));
  editFiles(docs, "live");
  const { milliseconds, cpu } = await timed(() => take(indexer.result));
  const all = { milliseconds: indexer.milliseconds + first.milliseconds, cpu: indexer.cpu + first.cpu };
  console.log(JSON.stringify([all, { milliseconds, cpu }]));
} else {
  const build = await builders[contender]!(embedder);
  const changed = told === undefined ? markdownIn(docs) : (JSON.parse(told) as string[]);
  const { milliseconds, cpu } = await timed(() => build({ docs, changed, index }));
  console.log(JSON.stringify([{ milliseconds, cpu }]));
}
process.exit(0);

async function timed<T>(body: () => Promise<T>): Promise<{ milliseconds: number; cpu: number; result: T }> {
  const [begin, used] = [performance.now(), process.cpuUsage()];
  const result = await body();
  const { user, system } = process.cpuUsage(used);
  return { milliseconds: performance.now() - begin, cpu: (user + system) / 1_000, result };
}

/** Reads all files, of which the index takes what is new to it. */
async function take(indexer: MarkdownIndexer): Promise<void> {
  const read = (name: string): string => readFileSync(join(docs, name), "utf8");
  await indexer.index(
    (async function* () {
      for (const name of markdownIn(docs)) yield { id: name, path: name, text: read(name), cursor: null };
    })(),
    { prune: true },
  );
}

async function ours(vectors?: IEmbedder): Promise<() => Promise<void>> {
  await Promise.resolve();
  return async () => {
    const indexer = await MarkdownIndexer.open({ folder: index, embedder: vectors });
    await take(indexer);
    await indexer[Symbol.asyncDispose]();
  };
}
