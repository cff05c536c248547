// One round of our training step on random tokens: prints step times in ms and peak memory in MB as JSON.
import { type IModel, Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import { sizes } from "./sizes.ts";

const { rows, steps, ...size } = sizes[process.argv[2]!]!;
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
const times: number[] = [];
for (let i = 0; i < steps; i++) {
  const batch = { ids: tokens(), targets: tokens(), weights: new Float32Array(rows * size.positions).fill(1) };
  const begin = performance.now();
  await step.run(batch);
  // As the PyTorch reference does: each step ends with its loss on the host.
  await step.drain();
  times.push(performance.now() - begin);
}
console.log(JSON.stringify({ times, memory: process.resourceUsage().maxRSS / 1024 }));
await engine[Symbol.asyncDispose]();
