import { type IEngine, type IModel, Random, type SnapshotTensor } from "@pipe/core";
import { createXlaEngine, type Mesh } from "@pipe/engine-xla";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import { describe, expect, it } from "vitest";

const plugin = process.env["PIPE_XLA_CPU"];
const size = { vocabulary: 256, positions: 32, width: 64, heads: 4, layers: 1 };
const rows = 8;
const matrix = { shape: [rows, size.positions], dtype: "int32" } as const;

async function withStep<T>(
  mesh: Mesh,
  body: (step: TrainingStepProcessor, engine: IEngine) => Promise<T>,
  accumulate = 1,
): Promise<T> {
  const engine = await createXlaEngine({ plugin: plugin!, threads: 2, mesh });
  try {
    const model = new GPT2Model({ ...size, dropout: 0.1 });
    const step = await TrainingStepProcessor.create(
      {
        engine,
        model: model as unknown as IModel<{ readonly [name: string]: never }>,
        optimizer: new AdamWOptimizer(model.parameters()),
        gradients: new GradientProcessor({ clip: 1 }),
        schedule: constantSchedule({ rate: 3e-3 }),
        batch: { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } },
        seed: 1,
        accumulate,
      },
      initialize(model.parameters(), new Random(1)),
    );
    return await body(step, engine);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}

/** Trains from step `from` to step `to` on batches that follow from the step's number. */
async function losses(step: TrainingStepProcessor, from: number, to: number): Promise<number[]> {
  const found: number[] = [];
  for (let i = from; i < to; i++) {
    const ids = Int32Array.from({ length: rows * size.positions }, (_, k) => (k * k * 31 + i * 7) % size.vocabulary);
    const targets = Int32Array.from(ids, (id) => (id * 5 + 1) % size.vocabulary);
    await step.run({ ids, targets, weights: new Float32Array(ids.length).fill(1) });
    found.push((await step.drain())!.loss);
  }
  return found;
}

async function stored(step: TrainingStepProcessor): Promise<SnapshotTensor[]> {
  const snapshot = await step.snapshot();
  const tensors: SnapshotTensor[] = [];
  for await (const { path, spec, bytes } of snapshot.tensors()) tensors.push({ path, spec, bytes: bytes.slice() });
  await snapshot[Symbol.asyncDispose]();
  return tensors;
}

async function* each(tensors: readonly SnapshotTensor[]): AsyncIterable<SnapshotTensor> {
  yield* tensors;
}

describe.skipIf(plugin === undefined)("training on several devices", () => {
  let one: number[] | undefined;

  it.each([
    { data: 2, shared: 1 },
    { data: 2, fsdp: true, accumulate: 2, shared: 1 / 2 },
    { data: 4, fsdp: true, shared: 1 / 4 },
  ])("has the losses of one device: %o", async ({ accumulate = 1, shared, ...mesh }) => {
    const several = await withStep(
      mesh,
      async (step, engine) => {
        const found = await losses(step, 0, 20);
        // The sums of accumulated gradients are state too.
        const { tensorBytes, deviceBytes } = engine.memory();
        expect(deviceBytes! / tensorBytes).toBeGreaterThan(shared - 0.001);
        expect(deviceBytes! / tensorBytes).toBeLessThan(shared + 0.03);
        return found;
      },
      accumulate,
    );
    one ??= await withStep({ data: 1 }, (step) => losses(step, 0, 20));
    expect(one[19]).toBeLessThan(one[0]! - 0.5);
    // Dropout differs where the rows of a batch are computed part by part.
    const alike = accumulate === 1 ? one : await withStep({ data: 1 }, (step) => losses(step, 0, 20), accumulate);
    several.forEach((loss, i) => expect(Math.abs(loss - alike[i]!)).toBeLessThan(1e-5 * loss));
  });

  it("saves whole tensors, which one device loads and goes on with", async () => {
    const { straight, saved } = await withStep({ data: 2, fsdp: true }, async (step) => {
      await losses(step, 0, 5);
      return { saved: await stored(step), straight: await losses(step, 5, 10) };
    });
    expect(saved.find(({ path }) => path === "params/wte.weight")?.spec.shape).toEqual([256, 64]);
    const resumed = await withStep({ data: 1 }, async (step) => {
      await step.load(5, each(saved));
      return losses(step, 5, 10);
    });
    resumed.forEach((loss, i) => expect(Math.abs(loss - straight[i]!)).toBeLessThan(1e-5 * loss));
  });
});
