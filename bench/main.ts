// npm run bench -- <name> [--size <size>] [--rounds n] [--json]; train, index-build: [--only a,b]; gpu: [--device cuda|cpu] [--rows n] [--steps n]
import { parseArgs } from "node:util";
import type { BenchOptions, BenchResult } from "./result.ts";

const benches: { readonly [name: string]: () => Promise<(options: BenchOptions) => Promise<BenchResult>> } = {
  chunking: async () => (await import("./chunking/bench-chunking.ts")).benchChunking,
  "data-build": async () => (await import("./data-build/bench-data-build.ts")).benchDataBuild,
  "loop-cost": async () => (await import("./loop-cost/bench-loop-cost.ts")).benchLoopCost,
  generate: async () => (await import("./generate/bench-generate.ts")).benchGenerate,
  "index-build": async () => (await import("./index/bench-index-build.ts")).benchIndexBuild,
  "index-while-training": async () => (await import("./index/bench-index-while-training.ts")).benchIndexWhileTraining,
  optimizer: async () => (await import("./optimizer/bench-optimizer.ts")).benchOptimizer,
  pgvector: async () => (await import("./index/bench-pgvector.ts")).benchPgvector,
  retrieval: async () => (await import("./retrieval/bench-retrieval.ts")).benchRetrieval,
  search: async () => (await import("./index/bench-search.ts")).benchSearch,
  gpu: async () => (await import("./gpu/bench-gpu.ts")).benchGpu,
  train: async () => (await import("./train/bench-train.ts")).benchTrain,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", default: "s" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    device: { type: "string" },
    rows: { type: "string" },
    steps: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const load = benches[positionals[0] ?? ""];
if (load === undefined) {
  console.error(`usage: npm run bench -- <${Object.keys(benches).join("|")}> [--size <size>] [--rounds n] [--json]`);
  process.exit(2);
}
const bench = await load();
const { only, device, rows, steps } = values;
const result = await bench({
  size: values.size,
  rounds: Number(values.rounds),
  ...(only === undefined ? {} : { only: only.split(",") }),
  ...(device === undefined ? {} : { device }),
  ...(rows === undefined ? {} : { rows: Number(rows) }),
  ...(steps === undefined ? {} : { steps: Number(steps) }),
});
if (values.json) console.log(JSON.stringify(result));
