// The same as search-ours.ts with zvec from bench/.envs/zvec: vectors with its HNSW index, words with its full-text index,
// joined by its reciprocal ranks.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { askAll, type Modes } from "./ask-all.ts";
import { SyntheticCorpus } from "./synthetic.ts";

/* oxlint-disable typescript/no-explicit-any, typescript/no-unsafe-assignment, typescript/no-unsafe-call,
   typescript/no-unsafe-member-access, typescript/no-unsafe-argument, typescript/no-unsafe-return -- no types: it is
   installed for this benchmark only */
const zvec: any = createRequire(join(import.meta.dirname, "../.envs/zvec/package.json"))("@zvec/zvec");
const [step, count, folder, queryCount, exactFile] = process.argv.slice(2);
const passages = Number(count);
const corpus = new SyntheticCorpus();
const { HNSW, FTS } = zvec.ZVecIndexType;

zvec.ZVecInitialize({ logType: zvec.ZVecLogType.CONSOLE, logLevel: zvec.ZVecLogLevel.ERROR });
const result = step === "build" ? await build() : await search();
console.log(JSON.stringify({ ...result, memory: process.memoryUsage.rss() / 2 ** 20 }));

async function build() {
  const started = performance.now();
  const schema = new zvec.ZVecCollectionSchema({
    name: "passages",
    fields: { name: "text", dataType: zvec.ZVecDataType.STRING, indexParams: { indexType: FTS } },
    vectors: {
      name: "vector",
      dataType: zvec.ZVecDataType.VECTOR_FP32,
      dimension: corpus.dimensions,
      indexParams: { indexType: HNSW, metricType: zvec.ZVecMetricType.COSINE },
    },
  });
  const collection = zvec.ZVecCreateAndOpen(folder, schema);
  const atOnce = 500;
  for (let first = 0; first < passages; first += atOnce) {
    const rows = Array.from({ length: Math.min(atOnce, passages - first) }, (_, at) => {
      const id = first + at;
      return { id: `${id}`, fields: { text: corpus.text(id) }, vectors: { vector: corpus.vector(id) } };
    });
    for (const { ok, message } of collection.insertSync(rows)) if (ok !== true) throw new Error(message);
  }
  await collection.optimize();
  collection.closeSync();
  return { rate: passages / ((performance.now() - started) / 1000) };
}

async function search() {
  const exact = JSON.parse(readFileSync(exactFile!, "utf8")) as number[][];
  const asked = Array.from({ length: Number(queryCount) }, (_, number) => corpus.query(number, passages));
  const opened = performance.now();
  const collection = zvec.ZVecOpen(folder, { readOnly: true });
  const near = { fieldName: "vector", params: { indexType: HNSW, ef: 128 } };
  const words = { fieldName: "text" };
  const given = { outputFields: ["text"], topk: 10 };
  const numbers = (rows: { id: string }[]) => rows.map(({ id }) => Number(id));
  const modes: Modes = {
    hybrid: ({ text, vector }) =>
      numbers(
        collection.multiQuerySync({
          queries: [
            { ...near, vector, numCandidates: 64 },
            { ...words, fts: { matchString: text }, numCandidates: 64 },
          ],
          rerank: { type: "rrf" },
          ...given,
        }),
      ),
    lexical: ({ text }) => numbers(collection.querySync({ ...words, fts: { matchString: text }, ...given })),
    vector: ({ vector }) => numbers(collection.querySync({ ...near, vector, ...given })),
  };
  return askAll(modes, { asked, exact, opened });
}
