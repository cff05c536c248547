import type { Params } from "@pipe/core";
import { Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { AdamWOptimizer, cosineSchedule, GradientProcessor } from "@pipe/optim";
import { fit, type FitBatch } from "@pipe/train";
import { classifier } from "./classifier.ts";
import { spirals } from "./spirals.ts";

const random = new Random(7);
const [train, test] = [random.split("train"), random.split("test")];
const steps = 1500;

function* batches(): Generator<FitBatch> {
  for (;;) yield spirals(128, train);
}

// The whole step, gradients and AdamW included, is compiled once and runs natively.
const engine = await createOnnxEngine();
const begin = performance.now();
const { state } = await fit({
  model: classifier,
  optimizer: new AdamWOptimizer(classifier.parameters()),
  gradients: new GradientProcessor({ clip: 1 }),
  rate: cosineSchedule({ rate: 0.02, warmup: 20, steps, minimum: 0 }),
  engine,
  batches: batches(),
  steps,
  onStep: ({ step, loss }) => step % 300 === 0 && console.log(`step ${step}: loss ${loss.toFixed(4)}`),
});
console.log(`${Math.round((1000 * steps) / (performance.now() - begin))} steps a second`);

// The parameters have stayed on the engine: another compiled program uses them.
const { points, labels } = spirals(2000, test);
const judge = await engine.compile(
  ({ params, batch }: { params: Params; batch: { points: tf.Tensor; labels: tf.Tensor } }) => {
    const context = forwardContext({ training: false, seed: tf.zeros([2], "int32") });
    return { correct: classifier.loss(params, batch, context).sums!["correct"]! };
  },
  {
    params: Object.fromEntries(Object.entries(state.params).map(([name, { spec }]) => [name, spec])),
    batch: { points: { shape: points.shape, dtype: "float32" }, labels: { shape: labels.shape, dtype: "int32" } },
  },
);
const { correct } = await judge.run({ params: state.params, batch: { points: points.data, labels: labels.data } });
console.log(`accuracy on 2000 new points: ${((await correct.read())[0]! / 20).toFixed(1)} %`);
await engine[Symbol.asyncDispose]();
