// Compares what OnnxReranker gives with what transformers gives for a cross-encoder of random weights, on real passages.
// usage: node --conditions=@pipe/source bench/interop/check-cross-encoder.ts
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OnnxReranker } from "@pipe/indexer";
import { lastJson } from "../output.ts";

const envs = join(import.meta.dirname, "../.envs");
const folder = mkdtempSync(join(tmpdir(), "pipe-cross-encoder-"));
try {
  const text = readFileSync(join(import.meta.dirname, "../../apps/trainer/guide/search.md"), "utf8");
  const passages = text.split("\n\n").filter((passage) => passage.trim() !== "");
  const query = "how is an index asked by meaning?";
  const pairs = join(folder, "pairs.json");
  writeFileSync(pairs, JSON.stringify(passages.map((passage) => [query, passage])));
  const model = join(folder, "model");
  const script = join(import.meta.dirname, "cross_encoder.py");
  const theirs = lastJson<number[]>(join(envs, "transformers/bin/python"), [
    script,
    join(envs, "minilm"),
    model,
    pairs,
  ]);
  const reranker = await OnnxReranker.open({ folder: model });
  const ours = await reranker.rerank(query, passages);
  await reranker[Symbol.asyncDispose]();
  const apart = Math.max(...ours.map((score, at) => Math.abs(score - theirs[at]!)));
  const spread = Math.max(...theirs) - Math.min(...theirs);
  console.log(
    `${passages.length} passages, scores ${spread.toFixed(3)} apart, at most ${apart.toExponential(1)} from transformers'`,
  );
  if (!(apart < 1e-4)) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
