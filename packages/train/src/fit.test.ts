import type { IEngine, IModel, StepReport } from "@pipe/core";
import { Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { sparseCrossEntropy } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fit, type FitBatch } from "./fit.ts";
import { averagedAdagrad, descent, lineModel } from "./line-model.test.fixture.ts";

let engine: IEngine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

type Points = { readonly points: tf.Tensor; readonly labels: tf.Tensor };

/** Two layers that tell the quadrants of XOR apart. */
const classifier: IModel<Points> = {
  kind: "classifier",
  config: () => ({}),
  parameters: () =>
    Object.entries({ inner: [2, 16], bias: [16], outer: [16, 2] }).map(([name, shape]) => ({
      name,
      shape,
      dtype: "float32",
      init: { kind: "normal", deviation: 0.7 },
      decay: false,
      trainable: true,
    })),
  forward: (params, { points }) => {
    const hidden = tf.tanh(tf.add(tf.matMul(points, params["inner"]!), params["bias"]!));
    return { logits: tf.matMul(hidden, params["outer"]!), hidden: [hidden] };
  },
  loss: (params, batch, context) => {
    const { loss } = sparseCrossEntropy(classifier.forward(params, batch, context).logits, batch.labels);
    return { lossSum: tf.sum(loss), weight: tf.scalar(loss.size) };
  },
};

function* xor(batches: number): Generator<FitBatch> {
  const random = new Random(1);
  for (let i = 0; i < batches; i++) {
    const points = Float32Array.from({ length: 64 }, () => 2 * random.uniform() - 1);
    const labels = Int32Array.from({ length: 32 }, (_, row) => Number(points[2 * row]! * points[2 * row + 1]! > 0));
    yield { points: { shape: [32, 2], data: points }, labels: { shape: [32], data: labels } };
  }
}

const free = (state: Awaited<ReturnType<typeof fit>>["state"]): void => {
  const records = [state.params, ...Object.values(state.slots), state.scalars];
  for (const tensor of records.flatMap((record) => Object.values(record))) tensor[Symbol.dispose]();
};

describe("fit", () => {
  it("trains somebody's classifier", async () => {
    const reports: StepReport[] = [];
    const { state, report } = await fit({
      model: classifier,
      optimizer: averagedAdagrad,
      engine,
      batches: xor(400),
      rate: 0.3,
      seed: 3,
      onStep: (made) => reports.push(made),
    });
    expect(reports.map(({ step }) => step)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    expect(reports[0]!.loss).toBeGreaterThan(0.5);
    expect(report).toBe(reports.at(-1));
    expect(report!.loss).toBeLessThan(0.25);
    free(state);
  });

  it("gives the same bits for the same seed, and others for another", async () => {
    const run = async (seed?: number): Promise<number[]> => {
      const { state } = await fit({
        model: classifier,
        optimizer: descent,
        engine,
        batches: xor(3),
        rate: { rate: (applied) => 1 / (1 + applied) },
        ...(seed === undefined ? {} : { seed }),
      });
      const read = [...(await state.params["inner"]!.read())];
      free(state);
      return read;
    };
    expect(await run(0)).toEqual(await run());
    expect(await run(1)).not.toEqual(await run());
  });

  it("stops after its steps and closes what gave the batches", async () => {
    let closed = 0;
    async function* endless(): AsyncGenerator<FitBatch> {
      try {
        for (;;) yield* xor(1);
      } finally {
        closed++;
      }
    }
    const options = { model: classifier, optimizer: descent, engine, rate: 0.1 };
    const { state, report } = await fit({ ...options, batches: endless(), steps: 5 });
    expect([report!.step, closed]).toEqual([5, 1]);
    free(state);
  });

  it("finishes its step when it is aborted", async () => {
    const abort = new AbortController();
    const { state, report } = await fit({
      model: classifier,
      optimizer: descent,
      engine,
      batches: xor(50),
      rate: 0.1,
      onStep: ({ step }) => step === 3 && abort.abort(),
      signal: abort.signal,
    });
    expect(report!.step).toBe(5);
    expect([...(await state.scalars["applied"]!.read())]).toEqual([5]);
    free(state);
  });

  it("pads a short last batch with rows that do not count", async () => {
    const rows = (count: number): FitBatch => ({
      x: { shape: [count, 2], data: new Float32Array(2 * count).fill(1) },
      y: { shape: [count], data: new Float32Array(count).fill(9) },
      weights: { shape: [count], data: new Float32Array(count).fill(1) },
    });
    const options = { model: lineModel(), optimizer: descent, engine, rate: 0, seed: 1 };
    const { state, report } = await fit({ ...options, batches: [rows(4), rows(3)] });
    const whole = await fit({ ...options, batches: [rows(4)] });
    expect(report).toMatchObject({ step: 2, batchTokens: 3 });
    expect(report!.loss).toBeCloseTo(whole.report!.loss, 4);
    free(state);
    free(whole.state);
  });

  it("refuses to fit nothing, and frees everything when a batch is wrong", async () => {
    const options = { model: classifier, optimizer: descent, engine, rate: 0.1 };
    await expect(fit({ ...options, batches: [] })).rejects.toMatchObject({ code: "batches-empty" });
    const [good] = xor(1);
    const { labels: _, ...bad } = good!;
    await expect(fit({ ...options, batches: [good!, bad] })).rejects.toMatchObject({ code: "batch-invalid" });
    // Nothing is left of the fits above either: each state was freed.
    expect(engine.memory()).toMatchObject({ tensors: 0, executables: 0 });
  });
});
