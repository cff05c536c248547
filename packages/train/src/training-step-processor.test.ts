import type { IEngine, IGradientProcessor, ISchedule, SnapshotTensor } from "@pipe/core";
import { hostTensor, Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import * as tf from "@pipe/graph/tf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { averagedAdagrad, descent, lineModel, lineRows, lineSpecs, lineValues } from "./line-model.test.fixture.ts";
import { explainNonFinite } from "./find-non-finite.ts";
import { meanGradients } from "./mean-gradients.ts";
import { streamOf, tensorsOf } from "./run.test.fixture.ts";
import { TrainingStepProcessor, type TrainingStepOptions } from "./training-step-processor.ts";

let engine: IEngine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

const batch = { x: Float32Array.of(1, 2, 3, 0), y: Float32Array.of(0, 2), weights: Float32Array.of(1, 1) };
const nothing = { ...batch, y: Float32Array.of(0, Number.NaN) };
const harmonic: ISchedule = { rate: (applied) => 0.25 / (applied + 1) };

type Options = Partial<TrainingStepOptions<never>> & { readonly values?: typeof lineValues };
const create = ({ values = lineValues, ...options }: Options = {}) =>
  TrainingStepProcessor.create(
    {
      model: lineModel(),
      optimizer: averagedAdagrad,
      gradients: meanGradients,
      engine,
      schedule: harmonic,
      batch: lineSpecs(2),
      seed: 5,
      ...(options as object),
    },
    values,
  );

/** Elements of every leaf, by path. */
async function contentOf(step: Pick<TrainingStepProcessor, "snapshot">): Promise<{ [path: string]: number[] }> {
  const tensors = await tensorsOf(await step.snapshot());
  return Object.fromEntries(
    tensors.map(({ path, spec, bytes }) => [
      path,
      [...(spec.dtype === "int32" ? new Int32Array(bytes.buffer) : new Float32Array(bytes.buffer))],
    ]),
  );
}

describe("TrainingStepProcessor", () => {
  it("makes the update that follows by hand", async () => {
    const step = await create({ optimizer: descent });
    await step.run(batch);
    // Predictions 1 and 2.5 against 0 and 2: errors 1 and 0.5, mean square 0.625, gradients (2.5, 2) and 1.5.
    const figures = await step.drain();
    expect(figures).toMatchObject({ step: 1, applied: 1, loss: 0.625, accepted: true, rate: 0.25, weight: 2 });
    expect(figures!.norm).toBeCloseTo(Math.hypot(2.5, 2, 1.5), 5);
    expect(await contentOf(step)).toEqual({
      "params/w": [0.5 - 0.625, -0.25 - 0.5],
      "params/b": [1 - 0.375],
      "params/scale": [1],
      "scalars/applied": [1],
    });
    expect(step.parameters.map(({ name }) => name)).toEqual(["w", "b", "scale"]);
    expect(step.report.compileMs).toBeGreaterThan(0);
    await step[Symbol.asyncDispose]();
  });

  it("learns the line", async () => {
    const step = await create({ schedule: { rate: () => 0.5 }, batch: lineSpecs(16) });
    const rows = lineRows(16, new Random(1));
    for (let i = 0; i < 150; i++) await step.run(rows);
    expect((await step.drain())!.loss).toBeLessThan(1e-4);
    const { "params/w": w, "params/b": b } = await contentOf(step);
    [2, -1, 1].forEach((x, i) => expect([...w!, ...b!][i]).toBeCloseTo(x, 1));
    await step[Symbol.asyncDispose]();
  });

  it("gives figures one step late, and each once", async () => {
    const step = await create();
    expect(await step.drain()).toBeUndefined();
    expect(await step.run(batch)).toBeUndefined();
    expect(await step.run(batch)).toMatchObject({ step: 1, rate: 0.25 });
    expect(await step.run(batch)).toMatchObject({ step: 2, rate: 0.125 });
    const last = await step.drain();
    expect(last).toMatchObject({ step: 3 });
    expect(last!.rate).toBeCloseTo(0.25 / 3, 6);
    expect(await step.drain()).toBe(last);
    expect(await step.run(batch)).toBeUndefined();
    expect(step.state.step).toBe(4);
    await step[Symbol.asyncDispose]();
  });

  it("passes over a batch that gives NaN: not a bit changes, and the schedule stands still", async () => {
    const counting: IGradientProcessor = {
      ...meanGradients,
      slots: () => [{ name: "norms", shape: [], dtype: "float32", init: "ones" }],
      process: (given) => {
        const made = meanGradients.process(given);
        return { ...made, slots: { norms: tf.add(given.slots["norms"]!, made.norm) } };
      },
    };
    const step = await create({ gradients: counting });
    await step.run(batch);
    const { norm } = (await step.drain())!;
    const before = await contentOf(step);
    expect(before["scalars/norms"]![0]).toBeCloseTo(1 + norm, 5);
    await step.run(nothing);
    await step.run(nothing);
    const skipped = await step.drain();
    expect(skipped).toMatchObject({ step: 3, applied: 1, accepted: false, rate: 0.125 });
    expect(skipped!.loss).toBeNaN();
    expect(await contentOf(step)).toEqual(before);
    await step.run(batch);
    expect(await step.drain()).toMatchObject({ step: 4, applied: 2, accepted: true, rate: 0.125 });
    expect(await contentOf(step)).not.toEqual(before);
    await step[Symbol.asyncDispose]();
  });

  it.each([
    [Number.NaN, "NaN"],
    [1e39, "Infinity"],
  ])("refuses a rate of %f that an update was made with, but not one after the end", async (rate, got) => {
    // Used at the second update; asked for ahead of the first.
    const step = await create({ schedule: { rate: (applied) => (applied === 1 ? rate : 0.25) } });
    await step.run(batch);
    expect(await step.drain()).toMatchObject({ step: 1, rate: 0.25 });
    await step.run(batch);
    const refusal = { code: "rate-invalid", message: expect.stringContaining(`got: ${got}\n  where: step 2: rate(1)`) };
    await expect(step.run(batch)).rejects.toMatchObject(refusal);
    await step[Symbol.asyncDispose]();
    const drained = await create({ schedule: { rate: () => rate } });
    await drained.run(batch);
    await expect(drained.drain()).rejects.toMatchObject({ code: "rate-invalid" });
    await drained[Symbol.asyncDispose]();
  });

  it("picks the rate of the updates applied, also behind a skipped step that the host has not read", async () => {
    const step = await create();
    const rates: number[] = [];
    for (const feed of [batch, nothing, batch, batch, nothing, batch]) {
      const figures = await step.run(feed);
      if (figures !== undefined) rates.push(figures.rate);
    }
    rates.push((await step.drain())!.rate);
    [0, 1, 1, 2, 3, 3].forEach((applied, i) => expect(rates[i]).toBeCloseTo(harmonic.rate(applied), 6));
    await step[Symbol.asyncDispose]();
  });

  it("starts slots with ones and with the parameter, for trainable parameters only", async () => {
    const step = await create();
    expect(await contentOf(step)).toEqual({
      "params/b": [1],
      "params/scale": [1],
      "params/w": [0.5, -0.25],
      "scalars/applied": [0],
      "slots/average/b": [1],
      "slots/average/w": [0.5, -0.25],
      "slots/sum/b": [1],
      "slots/sum/w": [1, 1],
    });
    await step[Symbol.asyncDispose]();
  });

  it("leaves frozen parameters as they are", async () => {
    const model = lineModel({ frozen: ["scale", "w"] }) as never;
    const step = await create({ model, optimizer: descent });
    await step.run(batch);
    const { "params/w": w, "params/b": b } = await contentOf(step);
    expect([w, b]).toEqual([[0.5, -0.25], [0.625]]);
    await step[Symbol.asyncDispose]();
  });

  it("adds the auxiliary loss to the mean", async () => {
    const step = await create({ model: lineModel({ penalty: 2 }) as never, optimizer: descent });
    await step.run(batch);
    expect(await step.drain()).toMatchObject({ loss: 0.625 + 2 * 0.3125 });
    // Its gradient is 4 w: w moves by 0.25 × (2.5 + 2) and 0.25 × (2 - 1).
    expect((await contentOf(step))["params/w"]).toEqual([0.5 - 1.125, -0.25 - 0.25]);
    await step[Symbol.asyncDispose]();
  });

  it("loads a snapshot bit for bit and goes on from there", async () => {
    const [one, other] = [await create(), await create()];
    for (let i = 0; i < 3; i++) await one.run(batch);
    const stored = await tensorsOf(await one.snapshot());
    await other.run(nothing);
    await other.load(3, streamOf(stored));
    expect(await tensorsOf(await other.snapshot())).toEqual(stored);
    expect(await other.drain()).toBeUndefined();
    for (const step of [one, other]) for (let i = 0; i < 3; i++) await step.run(batch);
    expect(await tensorsOf(await other.snapshot())).toEqual(await tensorsOf(await one.snapshot()));
    expect(await other.drain()).toEqual(await one.drain());
    expect(other.state.step).toBe(6);
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  it.each<[string, (tensors: readonly SnapshotTensor[]) => readonly SnapshotTensor[], RegExp]>([
    ["another name", (all) => [...all, { ...all[0]!, path: "params/wte" }], /no such tensor\n {2}got: params\/wte/],
    [
      "another shape",
      (all) => all.map((tensor) => ({ ...tensor, spec: { ...tensor.spec, shape: [7] } })),
      /got: params\/b float32 \[7\]/,
    ],
    ["too few tensors", (all) => all.slice(1), /expected: params\/b\n {2}got: 1 tensors less/],
  ])("refuses a state with %s and stays as it was", async (_, change, message) => {
    const step = await create();
    await step.run(batch);
    const before = await tensorsOf(await step.snapshot());
    const { tensors } = engine.memory();
    await expect(step.load(9, streamOf(change(before)))).rejects.toThrow(message);
    await expect(step.load(9, streamOf(change(before)))).rejects.toMatchObject({ code: "state-mismatch" });
    expect(await tensorsOf(await step.snapshot())).toEqual(before);
    expect([step.state.step, engine.memory().tensors]).toEqual([1, tensors]);
    await step[Symbol.asyncDispose]();
  });

  it("refuses values that are missing or of another shape, and a model that is frozen whole", async () => {
    const { w: _, ...rest } = lineValues;
    await expect(create({ values: rest })).rejects.toThrow(/expected: w float32 \[2\]\n {2}got: nothing/);
    const wrong = { ...rest, w: hostTensor([3], new Float32Array(3)) };
    await expect(create({ values: wrong })).rejects.toMatchObject({ code: "parameter-mismatch" });
    const model = lineModel({ frozen: ["w", "b", "scale"] }) as never;
    await expect(create({ model })).rejects.toMatchObject({ code: "nothing-trainable" });
  });

  it("holds nothing after disposal, and the state alone after release", async () => {
    const empty = engine.memory();
    const step = await create();
    for (let i = 0; i < 3; i++) await step.run(batch);
    const state = await step.release();
    const { tensors, executables } = engine.memory();
    expect([tensors, executables]).toEqual([empty.tensors + 8, empty.executables]);
    expect([...(await state.scalars["applied"]!.read())]).toEqual([3]);
    await step[Symbol.asyncDispose]();
    expect(engine.memory().tensors).toBe(empty.tensors);
  });
});

describe("accumulation", () => {
  const rows = 8;
  const specs = lineSpecs(rows);
  const random = new Random(11);
  // Rows of unequal weight: what counts is the weighted mean over the whole batch.
  const batches = [1, 2, 3].map(() => {
    const made = lineRows(rows, random);
    return { ...made, y: made.y.map((y) => y + random.normal()), weights: made.weights.map((_, i) => (i % 3) / 2) };
  });
  const train = async (accumulate: number, given = batches): Promise<[number[], { [path: string]: number[] }]> => {
    const step = await create({ model: lineModel({ penalty: 0.1 }), batch: specs, accumulate } as Options);
    const losses: number[] = [];
    for (const each of given) {
      await step.run(each);
      losses.push((await step.drain())!.loss);
    }
    const content = await contentOf(step);
    await step[Symbol.asyncDispose]();
    return [losses, content];
  };

  it("gives what the whole batch gives, in equal parts and in parts of which the last is padded", async () => {
    const [losses, content] = await train(1);
    for (const accumulate of [8, 4, 3]) {
      const [otherLosses, other] = await train(accumulate);
      otherLosses.forEach((loss, i) => expect(Math.abs(loss - losses[i]!)).toBeLessThan(1e-6));
      for (const [path, values] of Object.entries(content)) {
        values.forEach((value, i) =>
          expect(Math.abs(other[path]![i]! - value)).toBeLessThan(1e-6 * (1 + Math.abs(value))),
        );
      }
    }
  });

  it("starts anew after a refused step, and frees what it holds", async () => {
    const bad = { ...batches[0]!, y: batches[0]!.y.map((y, i) => (i === 5 ? Number.NaN : y)) };
    const [, content] = await train(2, [bad, ...batches]);
    const [, expected] = await train(2);
    // The refused step counts for the seeds alone.
    expect(content["params/w"]).toEqual(expected["params/w"]);
    const { tensors, executables } = engine.memory();
    await train(4);
    expect([engine.memory().tensors, engine.memory().executables]).toEqual([tensors, executables]);
  });

  it.each([0, 9, 2.5])("refuses %s parts of 8 rows", async (accumulate) => {
    await expect(create({ batch: specs, accumulate })).rejects.toThrow("an integer from 1 to 8");
  });

  it("refuses parts of unequal size where rows have no weights", async () => {
    const { weights: _, ...bare } = specs;
    await expect(create({ batch: bare, accumulate: 3 })).rejects.toThrow("a divisor of 8");
  });
});

describe("findNonFinite", () => {
  const suspect = { ...batch, y: Float32Array.of(0, Infinity) };

  it.each([1, 2])("names the op, its line and the gradients that it spoils, in %s parts", async (accumulate) => {
    const step = await create({ accumulate } as Options);
    expect(await step.findNonFinite(batch, 0)).toBeUndefined();
    expect(explainNonFinite(await step.findNonFinite(suspect, 0))).toBe(
      "batch/y was not finite before the step. Not finite is the gradient of w, b.",
    );
    const huge = { ...batch, x: Float32Array.of(1, 2, 1e30, 0) };
    const found = await step.findNonFinite(huge, 0);
    expect(found).toMatchObject({ op: "Square", outputs: ["grads/w", "loss"] });
    expect(explainNonFinite(found)).toMatch(
      /^The first value that is not finite is made by Square float32 \[\d\] \(.*line-model.test.fixture.ts:\d+:\d+\), from Sub up to 5\.00e\+29\. Not finite is the gradient of w\.$/,
    );
    await step[Symbol.asyncDispose]();
  });

  it("says so where everything is finite", () => {
    expect(explainNonFinite(undefined)).toContain("the norm of the gradients overflowed");
    const many = { op: "Input", path: "params/w", spec: { shape: [], dtype: "float32" }, inputs: [] } as const;
    const outputs = ["a", "b", "c", "d", "e", "f"].map((name) => `grads/${name}`);
    expect(explainNonFinite({ ...many, outputs })).toContain("a, b, c, d and 2 more");
    expect(explainNonFinite({ ...many, op: "Add", outputs: [] })).toBe(
      "The first value that is not finite is made by Add float32 [].",
    );
  });
});
