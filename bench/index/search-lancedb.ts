// The same as search-ours.ts with LanceDB from bench/.envs/lancedb: vectors with its HNSW index, words with its full-text
// index, joined by its reciprocal-rank reranker.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { askAll, type Modes } from "./ask-all.ts";
import { SyntheticCorpus } from "./synthetic.ts";

/* oxlint-disable typescript/no-explicit-any, typescript/no-unsafe-assignment, typescript/no-unsafe-call,
   typescript/no-unsafe-member-access, typescript/no-unsafe-argument, typescript/no-unsafe-return -- no types: it is
   installed for this benchmark only */
const lancedb: any = createRequire(join(import.meta.dirname, "../.envs/lancedb/package.json"))("@lancedb/lancedb");
const [step, count, folder, queryCount, exactFile] = process.argv.slice(2);
const passages = Number(count);
const corpus = new SyntheticCorpus();

const result = step === "build" ? await build() : await search();
console.log(JSON.stringify({ ...result, memory: process.memoryUsage.rss() / 2 ** 20 }));

async function build() {
  const started = performance.now();
  const database = await lancedb.connect(folder);
  let table: any;
  for (let first = 0; first < passages; first += 5_000) {
    const rows = Array.from({ length: Math.min(5_000, passages - first) }, (_, at) => {
      return { id: first + at, text: corpus.text(first + at), vector: Array.from(corpus.vector(first + at)) };
    });
    if (table === undefined) table = await database.createTable("passages", rows);
    else await table.add(rows);
  }
  const partitions = 1;
  await table.createIndex("vector", {
    config: lancedb.Index.hnswSq({ distanceType: "cosine", numPartitions: partitions }),
  });
  await table.createIndex("text", { config: lancedb.Index.fts() });
  return { rate: passages / ((performance.now() - started) / 1000) };
}

async function search() {
  const exact = JSON.parse(readFileSync(exactFile!, "utf8")) as number[][];
  const asked = Array.from({ length: Number(queryCount) }, (_, number) => corpus.query(number, passages));
  const opened = performance.now();
  const table = await (await lancedb.connect(folder)).openTable("passages");
  const reranker = await lancedb.rerankers.RRFReranker.create();
  const near = (vector: Float32Array) => table.query().nearestTo(Array.from(vector)).refineFactor(4);
  const numbers = (rows: { id: number }[]) => rows.map(({ id }) => id);
  const modes: Modes = {
    hybrid: async ({ text, vector }) =>
      numbers(await near(vector).fullTextSearch(text).rerank(reranker).select(["id", "text"]).limit(10).toArray()),
    lexical: async ({ text }) =>
      numbers(await table.query().fullTextSearch(text).select(["id", "text"]).limit(10).toArray()),
    vector: async ({ vector }) => numbers(await near(vector).select(["id", "text"]).limit(10).toArray()),
  };
  return askAll(modes, { asked, exact, opened });
}
