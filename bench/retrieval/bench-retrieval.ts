import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IEmbedder, SearchOptions, SourceDocument } from "@pipe/core";
import { MarkdownIndexer } from "@pipe/indexer";
import { type BenchOptions, type BenchResult, machine, resultHead } from "../result.ts";
import { type DataSet, dataFolder, dataSets } from "./data-sets.ts";
import { termsOf } from "./terms.ts";
import { PlainBm25 } from "./plain-bm25.ts";
import { ndcg, recall } from "./quality.ts";

type Quality = { readonly ndcg10: number; readonly recall10: number; readonly recall100: number };

/** Makes vectors for hybrid search; without one only words are measured. */
export type MakeEmbedder = () => Promise<{ readonly name: string; readonly embedder: IEmbedder } | undefined>;

const noEmbedder: MakeEmbedder = () => Promise.resolve(undefined);

/**
 * How well an index finds: nDCG@10, recall@10 and recall@100 of documents (each by its best passage), beside the best BM25
 * over whole documents of a grid of k1 and b. `size` names one set, or `all`.
 */
export async function benchRetrieval({ size }: BenchOptions, makeEmbedder = noEmbedder): Promise<BenchResult> {
  const folder = dataFolder();
  const names = size in dataSets ? [size] : Object.keys(dataSets);
  const made = await makeEmbedder();
  const theirs: { [name: string]: number } = {};
  const ratio: { [name: string]: number } = {};
  const raw: { [name: string]: number[][] } = {};
  let ours = 0;
  console.log(`retrieval, ${machine()}; nDCG@10, recall@10, recall@100`);
  for (const name of names) {
    const set = dataSets[name]!(folder);
    const best = bestPlain(set);
    const found = await indexed(set, made?.embedder);
    show(`${name}: best BM25 of whole documents, k1 ${best.k1}, b ${best.b}`, best);
    for (const [mode, quality] of Object.entries(found)) {
      show(`${name}: ${mode}${mode === "lexical" ? "" : `, ${made!.name}`}`, quality);
      raw[`${name} ${mode}`] = [[quality.ndcg10, quality.recall10, quality.recall100]];
    }
    theirs[name] = best.ndcg10;
    ratio[name] = Math.round((1000 * found["lexical"]!.ndcg10) / best.ndcg10) / 1000;
    ours += found["lexical"]!.ndcg10 / names.length;
  }
  return { ...resultHead("retrieval", size, "nDCG@10"), ours, theirs, ratio, raw };
}

/** Searches an index of a set in each mode that it can. */
async function indexed(set: DataSet, embedder: IEmbedder | undefined): Promise<{ [mode: string]: Quality }> {
  const folder = mkdtempSync(join(tmpdir(), "pipe-bench-retrieval-"));
  const indexer = await MarkdownIndexer.open({ folder, embedder, worker: false });
  try {
    await indexer.index(documentsOf(set));
    const modes = embedder === undefined ? (["lexical"] as const) : (["lexical", "vector", "hybrid"] as const);
    const qualities: { [mode: string]: Quality } = {};
    for (const mode of modes) qualities[mode] = await qualityOf(indexer, set, { mode, limit: 300 });
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
    const hits = await indexer.search(text, options);
    lists.push([...new Set(hits.flatMap(({ id, same = [] }) => [id, ...same.map(({ path }) => path)]))]);
  }
  return mean(set, lists);
}

function bestPlain(set: DataSet): Quality & { readonly k1: number; readonly b: number } {
  const plain = new PlainBm25(set.documents, termsOf);
  let best: (Quality & { k1: number; b: number }) | undefined;
  for (const k1 of [0.6, 0.9, 1.2, 1.5, 2, 3]) {
    for (const b of [0.2, 0.4, 0.6, 0.75, 0.9, 1]) {
      const quality = mean(
        set,
        set.queries.map(({ text }) => plain.search(termsOf(text), k1, b)),
      );
      if (best === undefined || quality.ndcg10 > best.ndcg10) best = { ...quality, k1, b };
    }
  }
  return best!;
}

function mean(set: DataSet, lists: readonly (readonly string[])[]): Quality {
  const of = (measure: (found: readonly string[], right: ReadonlyMap<string, number>) => number): number =>
    lists.reduce((sum, found, at) => sum + measure(found, set.queries[at]!.right), 0) / lists.length;
  return {
    ndcg10: of((found, right) => ndcg(found, right, 10)),
    recall10: of((found, right) => recall(found, right, 10)),
    recall100: of((found, right) => recall(found, right, 100)),
  };
}

function show(what: string, { ndcg10, recall10, recall100 }: Quality): void {
  console.log(`${what.padEnd(64)} ${[ndcg10, recall10, recall100].map((value) => value.toFixed(3)).join("  ")}`);
}
