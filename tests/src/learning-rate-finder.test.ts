import { bytesOf, type HostTensor, type IModel, Random, type SnapshotTensor } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { GPT2Model } from "@pipe/models";
import { GradientProcessor, LearningRateFinder, LionOptimizer } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import { expect, it } from "vitest";

it("a search on a training's own step leaves model, optimizer and steps as they were", async () => {
  const engine = await createOnnxEngine({ threads: 1 });
  const model = new GPT2Model({ vocabulary: 11, positions: 8, width: 16, layers: 1, heads: 2 });
  const shape = [4, 8];
  let tried = 0.001;
  const step = await TrainingStepProcessor.create(
    {
      engine,
      model: model as unknown as IModel<{ readonly [name: string]: never }>,
      optimizer: new LionOptimizer(model.parameters()),
      gradients: new GradientProcessor(),
      schedule: { rate: () => tried },
      batch: {
        ids: { shape, dtype: "int32" },
        targets: { shape, dtype: "int32" },
        weights: { shape, dtype: "float32" },
      },
      seed: 1,
    },
    initialize(model.parameters(), new Random(1)) as { [name: string]: HostTensor },
  );
  const batch = (seed: number) => {
    const random = new Random(seed);
    const ids = Int32Array.from({ length: 32 }, () => random.integer(3));
    return { ids, targets: ids, weights: new Float32Array(32).fill(1) };
  };
  const stored = async (): Promise<SnapshotTensor[]> => {
    const tensors: SnapshotTensor[] = [];
    const copy = await step.snapshot();
    for await (const { path, spec, bytes } of copy.tensors()) tensors.push({ path, spec, bytes: bytes.slice() });
    await copy[Symbol.asyncDispose]();
    return tensors;
  };
  for (const seed of [1, 2, 3]) await step.run(batch(seed));
  await step.drain();
  const before = await stored();

  let next = 3;
  const { suggestion, points } = await new LearningRateFinder({ from: 1e-5, to: 1, steps: 40 }).find({
    step: async (rate) => {
      tried = rate;
      await step.run(batch(++next));
      return (await step.drain())!;
    },
    save: async () => {
      const [at, tensors, position] = [step.state.step, await stored(), next];
      return async () => {
        next = position;
        await step.load(
          at,
          (async function* () {
            yield* tensors;
          })(),
        );
      };
    },
  });
  expect(suggestion).toBeGreaterThan(1e-5);
  expect(points.length).toBeGreaterThan(20);
  expect([step.state.step, next]).toEqual([3, 3]);
  expect((await stored()).map(({ path, bytes }) => [path, bytesOf(bytes)])).toEqual(
    before.map(({ path, bytes }) => [path, bytesOf(bytes)]),
  );
  await engine[Symbol.asyncDispose]();
});
