// Milliseconds between steps, of the compiled step alone or of the whole pipeline: steps.ts <size> bare|whole
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peakResidentBytes, Random } from "@pipe/core";
import { EventBus, MetricsCollector, PerformanceTracker, ProgressReporter } from "@pipe/monitor";
import { loadExperiment, TrainingPipelineV2 } from "@pipe/pipeline";
import { sizes } from "../train/sizes.ts";
import { trainingStep } from "../train/training-step.ts";

const STEPS = 40;
const SKIPPED = 5;
const [name, kind] = process.argv.slice(2) as [string, "bare" | "whole"];
const { rows, steps: _, ...size } = sizes[name]!;
const ended: number[] = [];
await (kind === "bare" ? bare() : whole());
const times = ended.slice(1).map((time, i) => time - ended[i]!);
console.log(JSON.stringify({ times: times.slice(SKIPPED), memory: peakResidentBytes() / 2 ** 20 }));

/** The step as the pipeline runs it: figures are read one step late. */
async function bare(): Promise<void> {
  const { engine, step, batch } = await trainingStep(sizes[name]!);
  for (const feeds of Array.from({ length: STEPS }, batch)) {
    await step.run(feeds);
    ended.push(performance.now());
  }
  await step.drain();
  await engine[Symbol.asyncDispose]();
}

/** A run with its event log and every reporter, on words as tokens of a large vocabulary. */
async function whole(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "pipe-loop-"));
  const random = new Random(1);
  const text = Array.from({ length: 2 * STEPS * rows * size.positions }, () => random.integer(256).toString(16)).join(
    " ",
  );
  await writeFile(join(folder, "text.txt"), text);
  const { experiment, components } = await loadExperiment({
    name: "loop",
    engine: { kind: "onnx", threads: 2 },
    data: {
      source: { kind: "text", path: join(folder, "text.txt") },
      tokenizer: { kind: "byte" },
      sequenceLength: size.positions,
      split: { by: "tail", fraction: 0.05 },
    },
    model: { kind: "gpt2", ...size },
    training: { steps: STEPS, batch: rows },
    evaluation: { every: 10_000, batches: 1 },
    checkpoint: { every: 10_000 },
    optimization: { schedule: { kind: "constant", rate: 6e-4 }, clip: 1 },
  });
  const events = new EventBus();
  new ProgressReporter({ output: { write: () => true }, every: 1 }).attach(events);
  new MetricsCollector().attach(events);
  new PerformanceTracker({ now: () => performance.now() }).attach(events);
  // A report is read while the next step runs: once a step, as in the bare loop.
  events.on("step-ended", () => ended.push(performance.now()));
  await new TrainingPipelineV2(experiment, { components, runsDir: join(folder, "runs"), events, now: Date.now }).run();
  await rm(folder, { recursive: true });
}
