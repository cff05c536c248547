// node training-steps.ts <size> on|off: trains on made-up markdown, with the index that learns along or without, and prints
// tokens a second and milliseconds of processor time a step, behind the first steps, and what the index came to.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventBus } from "@pipe/monitor";
import { loadExperiment, TrainingPipelineV2 } from "@pipe/pipeline";
import { sizes } from "../train/sizes.ts";
import { SyntheticCorpus } from "./synthetic.ts";

/** Steps of a run, and those before the clock starts. */
const steps: { readonly [size: string]: number } = { s: 4_000, m: 300, "124m": 40 };
const skipped = 5;
const documents = 1_500;

const [name = "s", indexing] = process.argv.slice(2);
const { rows, steps: _, ...size } = sizes[name]!;
const last = steps[name]!;
const folder = mkdtempSync(join(tmpdir(), "pipe-index-while-training-"));
const texts = join(folder, "texts");
mkdirSync(texts);
const corpus = new SyntheticCorpus();
for (let at = 0; at < documents; at++) {
  const sections = [0, 1, 2].map((part) => `## Part ${part}\n\n${corpus.text(3 * at + part)}.\n`);
  writeFileSync(join(texts, `${at}.md`), `# Document ${at}\n\n${sections.join("\n")}`);
}
const { experiment, components } = await loadExperiment({
  name: "along",
  engine: { kind: "onnx", threads: 2 },
  data: {
    source: { kind: "markdown", path: texts },
    tokenizer: { kind: "byte" },
    sequenceLength: size.positions,
    split: { by: "document", fraction: 0.05 },
  },
  model: { kind: "gpt2", ...size },
  training: { steps: last, batch: rows },
  evaluation: { every: 10_000, batches: 1 },
  checkpoint: { every: 10_000 },
  optimization: { schedule: { kind: "constant", rate: 6e-4 }, clip: 1 },
  ...(indexing === "on" ? { indexing: { folder: texts, documents: true, during: { every: 10 } } } : {}),
});
const events = new EventBus();
let begin = { time: 0, cpu: process.cpuUsage() };
let end = { time: 0, cpu: process.cpuUsage() };
let index = { updates: 0, documents: 0, chunks: 0 };
events.on("step-ended", ({ step }) => {
  if (step === skipped) begin = { time: performance.now(), cpu: process.cpuUsage() };
  if (step === last) end = { time: performance.now(), cpu: process.cpuUsage(begin.cpu) };
});
events.on("index-updated", ({ documents, chunks }) => (index = { updates: index.updates + 1, documents, chunks }));
events.on("warning", ({ message }) => console.error(message));
await new TrainingPipelineV2(experiment, { components, runsDir: join(folder, "runs"), events, now: Date.now }).run();
rmSync(folder, { recursive: true });
const count = last - skipped;
console.log(
  JSON.stringify({
    tokensPerSecond: (1_000 * count * rows * size.positions) / (end.time - begin.time),
    cpu: (end.cpu.user + end.cpu.system) / 1_000 / count,
    ...index,
  }),
);
