// One build of token shards: prints seconds and tokens as JSON. Arguments: JSON lines, a folder, threads.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createGptTokenizer, DatasetBuilder, JsonlDataSource } from "@pipe/data";

const [, , path, parent, threads] = process.argv;
const begin = performance.now();
const report = await new DatasetBuilder({
  source: new JsonlDataSource({ path: path! }),
  tokenizer: await createGptTokenizer("r50k_base"),
  folder: join(mkdtempSync(join(parent!, "ours-")), "set"),
  split: { by: "document", fraction: 0 },
  threads: Number(threads),
}).build();
console.log(JSON.stringify({ seconds: (performance.now() - begin) / 1000, tokens: report.splits.train.tokens }));
