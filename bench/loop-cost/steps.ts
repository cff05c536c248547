// Milliseconds between steps, of the compiled step alone or of the whole pipeline: steps.ts <size> bare|whole
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IModel, Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { GPT2Model } from "@pipe/models";
import { EventBus, MetricsCollector, PerformanceTracker, ProgressReporter } from "@pipe/monitor";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { loadExperiment, TrainingPipelineV2 } from "@pipe/pipeline";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import { sizes } from "../train/sizes.ts";

const STEPS = 40;
const SKIPPED = 5;
const [name, kind] = process.argv.slice(2) as [string, "bare" | "whole"];
const { rows, steps: _, ...size } = sizes[name]!;
const ended: number[] = [];
await (kind === "bare" ? bare() : whole());
const times = ended.slice(1).map((time, i) => time - ended[i]!);
console.log(JSON.stringify({ times: times.slice(SKIPPED), memory: process.resourceUsage().maxRSS / 1024 }));

/** The step as the pipeline runs it: figures are read one step late. */
async function bare(): Promise<void> {
  const engine = await createOnnxEngine({ threads: 2 });
  const model = new GPT2Model(size);
  const matrix = { shape: [rows, size.positions], dtype: "int32" } as const;
  const random = new Random(1);
  const step = await TrainingStepProcessor.create(
    {
      engine,
      model: model as unknown as IModel<{ readonly [name: string]: never }>,
      optimizer: new AdamWOptimizer(model.parameters()),
      gradients: new GradientProcessor({ clip: 1 }),
      schedule: constantSchedule({ rate: 6e-4 }),
      batch: { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } },
      seed: 1,
    },
    initialize(model.parameters(), random),
  );
  const tokens = (): Int32Array =>
    Int32Array.from({ length: rows * size.positions }, () => random.integer(size.vocabulary));
  const batches = Array.from({ length: STEPS }, () => ({
    ids: tokens(),
    targets: tokens(),
    weights: new Float32Array(rows * size.positions).fill(1),
  }));
  for (const batch of batches) {
    await step.run(batch);
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
