// Trains GPT-2 on XLA and prints one line of JSON (GpuRun). Bundled by pack.ts; run by run.sh.
import { parseArgs } from "node:util";
import type { IModel } from "@pipe/core";
import { Random } from "@pipe/core";
import { createXlaEngine } from "@pipe/engine-xla";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import { type GpuRun, stepFlops } from "./result.ts";
import { gpuSizes } from "./sizes.ts";
import { windowsOf } from "./windows.ts";

const { values } = parseArgs({
  options: {
    plugin: { type: "string" },
    data: { type: "string" },
    size: { type: "string", default: "124m" },
    rows: { type: "string", default: "8" },
    steps: { type: "string", default: "30" },
    precision: { type: "string", default: "bf16" },
  },
});
const [rows, steps] = [Number(values.rows), Number(values.steps)];
const precision = values.precision as GpuRun["precision"];
const size = gpuSizes[values.size]!;
const engine = await createXlaEngine({ plugin: values.plugin!, precision });
const model = new GPT2Model(size);
const matrix = { shape: [rows, size.positions], dtype: "int32" } as const;
const step = await TrainingStepProcessor.create(
  {
    engine,
    model: model as unknown as IModel<{ readonly [name: string]: never }>,
    optimizer: new AdamWOptimizer(model.parameters()),
    gradients: new GradientProcessor({ clip: 1 }),
    schedule: constantSchedule({ rate: 6e-4 }),
    batch: { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } },
    precision,
    seed: 1,
  },
  initialize(model.parameters(), new Random(1)),
);
const batch = windowsOf(values.data!, rows, size.positions, size.vocabulary);
const [times, losses]: number[][] = [[], []];
for (let i = 0; i < steps; i++) {
  const begin = performance.now();
  await step.run(batch(i));
  // Each step ends with its loss on the host, on all sides.
  losses!.push((await step.drain())!.loss);
  times!.push(performance.now() - begin);
}
const run: GpuRun = {
  contender: "ours-xla",
  version: process.version,
  device: engine.device.name,
  size: values.size,
  rows,
  positions: size.positions,
  precision,
  flops: stepFlops(size, rows),
  compileMs: step.report.compileMs,
  peakBytes: engine.memory().peakBytes!,
  times: times!,
  losses: losses!,
};
console.log(JSON.stringify(run));
await engine[Symbol.asyncDispose]();
