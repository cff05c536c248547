// Two steps of a GPT-2 of 12 layers, on ONNX Runtime or on the XLA plug-in of the first argument, with the blocks named in
// the others computed again in the backward pass.
import { type IModel, Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { createXlaEngine } from "@pipe/engine-xla";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";

const [rows, positions, vocabulary] = [24, 128, 256];
const model = new GPT2Model({ vocabulary, positions, width: 192, heads: 6, layers: 12 });
const [, , plugin, ...recompute] = process.argv;
const engine =
  plugin === "" ? await createOnnxEngine({ threads: 2 }) : await createXlaEngine({ plugin: plugin!, threads: 2 });
const matrix = { shape: [rows, positions], dtype: "int32" } as const;
const random = new Random(1);
const step = await TrainingStepProcessor.create(
  {
    engine,
    model: model as unknown as IModel<{ readonly [name: string]: never }>,
    optimizer: new AdamWOptimizer(model.parameters(), { epsilon: 1e-3 }),
    gradients: new GradientProcessor({ clip: 1 }),
    schedule: constantSchedule({ rate: 1e-3 }),
    batch: { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } },
    seed: 1,
    recompute,
  },
  initialize(model.parameters(), random),
  { transfer: true },
);
const before = engine.memory().peakBytes;
const tokens = (): Int32Array => Int32Array.from({ length: rows * positions }, () => random.integer(vocabulary));
const losses: number[] = [];
for (let i = 0; i < 2; i++) {
  await step.run({ ids: tokens(), targets: tokens(), weights: new Float32Array(rows * positions).fill(1) });
  losses.push((await step.drain())!.loss);
}
console.log(JSON.stringify({ before, peak: engine.memory().peakBytes, losses }));
await engine[Symbol.asyncDispose]();
