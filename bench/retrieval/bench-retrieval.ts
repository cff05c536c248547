import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IEmbedder, SearchOptions, SourceDocument } from "@pipe/core";
import { MarkdownIndexer, pairedBootstrap } from "@pipe/indexer";
import { type BenchOptions, type BenchResult, machine, resultHead } from "../result.ts";
import { type DataSet, dataFolder, dataSets } from "./data-sets.ts";
import { withEmbedders } from "./embedders.ts";
import { PlainBm25 } from "./plain-bm25.ts";
import { ndcg, recall } from "./quality.ts";
import { termsOf } from "./terms.ts";

/** Scores of each query. */
export type Quality = {
  readonly ndcg10: readonly number[];
  readonly recall10: readonly number[];
  readonly recall100: readonly number[];
};

/** Queries of a set at most; of a larger one every n-th is asked. */
const mostQueries = 420;

const hybridModes: { readonly [mode: string]: SearchOptions } = {
  meaning: { mode: "vector" },
  hybrid: { mode: "hybrid" },
  "hybrid by ranks": { mode: "hybrid", fusion: "rank" },
};

/**
 * How well an index finds: nDCG@10, recall@10 and recall@100 of documents (each by its best passage), by words, by meaning and by
 * both, beside the best BM25 over whole documents of a grid of k1 and b. `size` names one set, or `all`.
 */
export async function benchRetrieval({ size }: BenchOptions): Promise<BenchResult> {
  const folder = dataFolder();
  const names = size in dataSets ? [size] : Object.keys(dataSets);
  const theirs: { [name: string]: number } = {};
  const ratio: { [name: string]: number } = {};
  const raw: { [name: string]: number[][] } = {};
  let ours = 0;
  console.log(`retrieval, ${machine()}; nDCG@10, recall@10, recall@100; difference to the grid's best, 95 %`);
  await withEmbedders(async (embedders) => {
    for (const name of names) {
      const set = sampled(dataSets[name]!(folder));
      const { quality: best, k1, b } = bestPlain(set);
      const found: { [mode: string]: Quality } = { [`best BM25, k1 ${k1}, b ${b}`]: best };
      for (const { name: embedder, embedder: vectors } of embedders) {
        for (const [mode, quality] of Object.entries(await searched(set, vectors)))
          found[mode === "words" ? mode : `${mode}, ${embedder}`] = quality;
      }
      for (const [mode, quality] of Object.entries(found)) {
        console.log(`${`${name}: ${mode}`.padEnd(42)} ${shown(quality, best)}`);
        // The means, and nDCG of each query.
        const means = [quality.ndcg10, quality.recall10, quality.recall100].map(mean);
        raw[`${name}: ${mode}`] = [means, quality.ndcg10].map((each) => each.map((x) => Math.round(1e3 * x) / 1e3));
      }
      const mine = mean((found["hybrid, MiniLM"] ?? found["words"])!.ndcg10);
      theirs[name] = mean(best.ndcg10);
      ratio[name] = Math.round((1000 * mine) / theirs[name]) / 1000;
      ours += mine / names.length;
    }
  });
  return { ...resultHead("retrieval", size, "nDCG@10"), ours, theirs, ratio, raw };
}

function sampled(set: DataSet): DataSet {
  const every = Math.ceil(set.queries.length / mostQueries);
  if (every === 1) return set;
  const queries = set.queries.filter((_, at) => at % every === 0);
  console.log(`${set.name}: ${queries.length} of ${set.queries.length} queries`);
  return { ...set, queries };
}

/** Searches an index of a set in each mode. */
export async function searched(
  set: DataSet,
  embedder: IEmbedder,
  modes: { readonly [mode: string]: SearchOptions } = { words: { mode: "lexical" }, ...hybridModes },
): Promise<{ [mode: string]: Quality }> {
  const folder = mkdtempSync(join(tmpdir(), "pipe-bench-retrieval-"));
  // Queries are embedded once, many at a time.
  const texts = set.queries.map(({ text }) => text);
  const vectors = await embedder.embed(texts);
  const asked = new Map(texts.map((text, at) => [text, vectors[at]!]));
  const known: IEmbedder = {
    space: embedder.space,
    embed: async (some, signal) =>
      some.length === 1 && asked.has(some[0]!) ? [asked.get(some[0]!)!] : embedder.embed(some, signal),
  };
  const indexer = await MarkdownIndexer.open({ folder, embedder: known, worker: false });
  try {
    await indexer.index(documentsOf(set));
    const [hit] = await indexer.search(texts[0]!, { limit: 1, explain: true });
    console.log(`${set.name}: share of meaning with ${embedder.space.id}: ${hit?.explain?.fusion?.weight}`);
    const qualities: { [mode: string]: Quality } = {};
    for (const [mode, options] of Object.entries(modes)) qualities[mode] = await qualityOf(indexer, set, options);
    return qualities;
  } finally {
    await indexer[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  }
}

async function* documentsOf({ documents }: DataSet): AsyncGenerator<SourceDocument> {
  for (const { id, title, text } of documents) {
    yield { id, path: id, text: title === undefined ? text : `# ${title}\n\n${text}`, cursor: null };
  }
}

async function qualityOf(indexer: MarkdownIndexer, set: DataSet, options: SearchOptions): Promise<Quality> {
  const lists: string[][] = [];
  for (const { text } of set.queries) {
    const hits = await indexer.search(text, { limit: 300, ...options });
    lists.push([...new Set(hits.flatMap(({ id, same = [] }) => [id, ...same.map(({ path }) => path)]))]);
  }
  return measured(set, lists);
}

function bestPlain(set: DataSet): { readonly quality: Quality; readonly k1: number; readonly b: number } {
  const plain = new PlainBm25(set.documents, termsOf);
  let best: { quality: Quality; k1: number; b: number } | undefined;
  for (const k1 of [0.6, 0.9, 1.2, 1.5, 2, 3]) {
    for (const b of [0.2, 0.4, 0.6, 0.75, 0.9, 1]) {
      const lists = set.queries.map(({ text }) => plain.search(termsOf(text), k1, b));
      const quality = measured(set, lists);
      if (best === undefined || mean(quality.ndcg10) > mean(best.quality.ndcg10)) best = { quality, k1, b };
    }
  }
  return best!;
}

function measured(set: DataSet, lists: readonly (readonly string[])[]): Quality {
  const of = (measure: (found: readonly string[], right: ReadonlyMap<string, number>) => number): number[] =>
    lists.map((found, at) => measure(found, set.queries[at]!.right));
  return {
    ndcg10: of((found, right) => ndcg(found, right, 10)),
    recall10: of((found, right) => recall(found, right, 10)),
    recall100: of((found, right) => recall(found, right, 100)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function shown({ ndcg10, recall10, recall100 }: Quality, best: Quality): string {
  const { difference, low, high } = pairedBootstrap(ndcg10, best.ndcg10);
  const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
  const means = [ndcg10, recall10, recall100].map((each) => mean(each).toFixed(3)).join("  ");
  return ndcg10 === best.ndcg10 ? means : `${means}   ${signed(difference)} [${signed(low)}, ${signed(high)}]`;
}
