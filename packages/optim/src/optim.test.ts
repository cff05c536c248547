import type { IOptimizer, ParameterSpec, Params } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import { AdamWOptimizer } from "./adamw.ts";
import { definitions } from "./definitions.ts";
import { LearningRateSchedulerFactory, OptimizerFactory } from "./factories.ts";
import { GradientProcessor } from "./gradient-processor.ts";
import { constantSchedule, cosineSchedule } from "./schedules.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const specOf = (name: string, decay: boolean): ParameterSpec => ({
  name,
  shape: [3],
  dtype: "float32",
  init: { kind: "zeros" },
  decay,
  trainable: true,
});

/** Runs updates on the gradient of ½ Σ c (x - 1)², on the tfjs backend. */
function minimise(optimizer: IOptimizer, steps: number, rate: number): Float32Array {
  let params: Params = { w: tf.tensor1d([4, -3, 0.5]) };
  let slots = Object.fromEntries(optimizer.slots(specOf("w", false)).map(({ name }) => [name, { w: tf.zeros([3]) }]));
  const curvature = tf.tensor1d([1, 10, 100]);
  for (let count = 0; count < steps; count++) {
    const grads = { w: tf.mul(curvature, tf.sub(params["w"]!, 1)) };
    const next = optimizer.update({ params, grads, slots, rate: tf.scalar(rate), count: tf.scalar(count, "int32") });
    params = next.params;
    slots = next.slots as typeof slots;
  }
  return params["w"]!.dataSync() as Float32Array;
}

describe("AdamWOptimizer", () => {
  it("finds the minimum of an ill-conditioned bowl", () => {
    for (const x of minimise(new AdamWOptimizer([], { beta2: 0.999 }), 600, 0.05)) expect(x).toBeCloseTo(1, 2);
  });

  it("moves by the rate at first, whatever the gradient's size", () => {
    const moved = minimise(new AdamWOptimizer([], { beta2: 0.999 }), 1, 0.01);
    [3.99, -2.99, 0.51].forEach((x, i) => expect(moved[i]).toBeCloseTo(x, 6));
    const plain = minimise(new AdamWOptimizer([], { beta1: 0, beta2: 0 }), 1, 0.01);
    [3.99, -2.99, 0.51].forEach((x, i) => expect(plain[i]).toBeCloseTo(x, 6));
  });

  it("decays only what its spec says, in proportion to the rate", () => {
    const optimizer = new AdamWOptimizer([specOf("a", true), specOf("b", false)], { weightDecay: 0.5 });
    const zeros = { a: tf.zeros([3]), b: tf.zeros([3]) };
    const params = { a: tf.ones([3]), b: tf.ones([3]) };
    const update = {
      params,
      grads: zeros,
      slots: { m: zeros, v: zeros },
      rate: tf.scalar(0.1),
      count: tf.scalar(0, "int32"),
    };
    const next = optimizer.update(update).params;
    expect([next["a"]!.dataSync()[0], next["b"]!.dataSync()[0]]).toEqual([Math.fround(0.95), 1]);
  });

  it.each([{ beta1: 1 }, { beta2: -0.1 }, { epsilon: 0 }, { weightDecay: -1 }])("refuses %j", (options) => {
    expect(() => new AdamWOptimizer([], options)).toThrow("out of range");
  });
});

describe("GradientProcessor", () => {
  const grads = { a: tf.tensor1d([3, 0]), b: tf.tensor1d([4]) };
  const process = (clip: number | null, given: Params = grads) =>
    new GradientProcessor({ clip }).process({ grads: given, weight: tf.scalar(2), slots: {} });

  it("makes the mean and its norm, and clips as PyTorch does", () => {
    const plain = process(null);
    expect(plain.norm.dataSync()[0]).toBe(2.5);
    expect([...plain.grads["a"]!.dataSync(), ...plain.grads["b"]!.dataSync()]).toEqual([1.5, 0, 2]);
    const clipped = process(1);
    expect(clipped.norm.dataSync()[0]).toBe(2.5);
    expect(clipped.grads["b"]!.dataSync()[0]).toBeCloseTo((2 * 1) / (2.5 + 1e-6), 6);
    expect(process(5).grads["b"]!.dataSync()[0]).toBe(2);
    expect(clipped.accept.dataSync()[0]).toBe(1);
  });

  it.each([Number.NaN, Infinity])("refuses an update with %s in a gradient", (bad) => {
    expect(process(1, { ...grads, b: tf.tensor1d([bad]) }).accept.dataSync()[0]).toBe(0);
  });

  it.each([0, -1, Number.NaN])("refuses to clip to %s", (clip) => {
    expect(() => new GradientProcessor({ clip })).toThrow("must be positive");
    expect(new GradientProcessor()).toBeInstanceOf(GradientProcessor);
  });
});

describe("schedules", () => {
  it("constant: rises linearly, then stays", () => {
    const { rate } = constantSchedule({ rate: 1, warmup: 3 });
    expect([0, 1, 2, 3, 100].map(rate)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(constantSchedule({ rate: 2 }).rate(0)).toBe(2);
  });

  it("cosine: from the rate through the middle to the minimum, and stays there", () => {
    const { rate } = cosineSchedule({ rate: 1, warmup: 4, steps: 20, minimum: 0.1 });
    // Learning-rate multipliers of the usual GPT training rule at updates 3, 4, 12, 20 and later.
    [0.8, 1, 0.55, 0.1, 0.1].forEach((expected, i) => expect(rate([3, 4, 12, 20, 99][i]!)).toBeCloseTo(expected, 12));
    expect(cosineSchedule({ rate: 1, steps: 10 }).rate(10)).toBeCloseTo(0.1, 12);
    expect(cosineSchedule({ rate: 1, steps: 0, minimum: 0 }).rate(1)).toBe(0);
  });

  it.each([{ rate: -1 }, { rate: Infinity }, { rate: 1, warmup: -1 }])("refuse %j", (options) => {
    expect(() => constantSchedule(options)).toThrow("must be finite and not negative");
    expect(() => cosineSchedule({ ...options, steps: 5 })).toThrow("must be finite and not negative");
  });
});

describe("factories", () => {
  const services = {
    has: () => true,
    get: async <T>(name: string): Promise<T> => (name === "steps" ? 10 : [specOf("w", true)]) as T,
  };

  it("make an optimizer", async () => {
    const optimizer = await new OptimizerFactory(definitions).create({ kind: "adamw" }, services);
    expect(optimizer.slots(specOf("w", true)).map(({ name, init }) => [name, init])).toEqual([
      ["m", "zeros"],
      ["v", "zeros"],
    ]);
  });

  it("make schedules, whose end is that of the budget unless it is set", async () => {
    const factory = new LearningRateSchedulerFactory(definitions);
    expect((await factory.create({ kind: "constant" }, services)).rate(5)).toBe(1e-3);
    expect((await factory.create({ kind: "cosine" }, services)).rate(10)).toBeCloseTo(1e-4, 12);
    const set = { kind: "cosine", steps: 20, minimum: 0, rate: 1 };
    expect((await factory.create(set, services)).rate(10)).toBeCloseTo(0.5, 12);
    await expect(factory.create({ kind: "linear" }, services)).rejects.toThrow("expected: constant, cosine");
  });
});
