// node bench/index/search-ours.ts build <passages> <folder>, or search <passages> <folder> <queries> <file of the exact
// neighbours as JSON>: prints one line of JSON.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IEmbedder } from "@pipe/core";
import { MarkdownIndexer, type ProcessedDocument } from "@pipe/indexer";
import { SyntheticCorpus } from "./synthetic.ts";

const [step, count, folder = ""] = process.argv.slice(2);
const passages = Number(count);
const corpus = new SyntheticCorpus();
const perDocument = 10;

// The vectors are at hand, so that the time of an embedder is not in the numbers.
const ready = new Map<string, Float32Array>();
const embedder: IEmbedder = {
  space: { id: "synthetic", dimensions: corpus.dimensions },
  embed: (texts) =>
    Promise.resolve(texts.map((text) => ready.get(text) ?? corpus.vector(Number(/^p(\d+)/.exec(text)![1])))),
};

const result = step === "build" ? await build() : await search();
console.log(JSON.stringify({ ...result, memory: process.memoryUsage.rss() / 2 ** 20 }));

async function build() {
  const started = performance.now();
  const indexer = await MarkdownIndexer.open({ folder, embedder });
  await indexer.store.writing("benchmark", async (write) => {
    const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
    for (let first = 0; first < passages;) {
      const documents: (ProcessedDocument & { content: string })[] = [];
      for (; documents.length < 100 && first < passages; first += perDocument) {
        const chunks = Array.from({ length: Math.min(perDocument, passages - first) }, (_, at) => {
          const [context, text] = [`p${first + at}`, corpus.text(first + at)];
          const content = hash(`${context}\0${text}`).slice(0, 32);
          return { begin: 0, end: 0, line: at + 1, heading: [], context, text, content };
        });
        const id = `document-${first}.md`;
        documents.push({ id, path: id, hash: hash(id), content: hash(id), chunks });
      }
      await write("put", "default", documents, []);
    }
  });
  const words = performance.now();
  await indexer.index((async function* () {})());
  const built = performance.now();
  await indexer[Symbol.asyncDispose]();
  const rate = (from: number, to: number): number => passages / ((to - from) / 1000);
  return { rate: rate(started, built), words: rate(started, words), vectors: rate(words, built) };
}

async function search() {
  const queries = Number(process.argv[5]);
  const exact = JSON.parse(readFileSync(process.argv[6]!, "utf8")) as number[][];
  const asked = Array.from({ length: queries }, (_, number) => corpus.query(number, passages));
  for (const { text, vector } of asked) ready.set(text, vector);
  const opened = performance.now();
  const indexer = await MarkdownIndexer.open({ folder, embedder, create: false });
  await indexer.search(asked[0]!.text);
  const cold = performance.now() - opened;
  const times: { [mode: string]: number[] } = { hybrid: [], lexical: [], vector: [] };
  for (const mode of ["hybrid", "lexical", "vector"] as const) {
    for (const { text } of asked) {
      const begin = performance.now();
      await indexer.search(text, { mode });
      times[mode]!.push(performance.now() - begin);
    }
  }
  let right = 0;
  for (const [number, { text }] of asked.entries()) {
    const found = await indexer.search(text, { mode: "vector" });
    const numbers = new Set(found.map(({ path, line }) => Number(/\d+/.exec(path)![0]) + line - 1));
    right += exact[number]!.filter((each) => numbers.has(each)).length;
  }
  const { bytes } = await indexer.status();
  await indexer[Symbol.asyncDispose]();
  return { cold, times, recall: right / (10 * queries), disk: bytes / 2 ** 20 };
}
