import { type IOptimizer, type ParameterSpec, type Params, sizeOf, type SlotSpec } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import { parameter } from "../parameter.test.fixture.ts";
import { AdafactorOptimizer } from "./adafactor.ts";
import { AdamOptimizer } from "./adam.ts";
import { AdamWOptimizer } from "./adamw.ts";
import { LionOptimizer } from "./lion.ts";
import { MuonOptimizer } from "./muon.ts";
import { SgdOptimizer } from "./sgd.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("every optimizer", () => {
  /** Runs updates on the gradient of ½ Σ c (x - 1)², on the tfjs backend. */
  function minimise(optimizer: IOptimizer, steps: number, rate: (count: number) => number): Float32Array {
    const w = parameter("w", [3], false);
    let params: Params = { w: tf.tensor1d([4, -3, 0.5]) };
    let slots = Object.fromEntries(optimizer.slots(w).map(({ name }) => [name, { w: tf.zeros([3]) }]));
    const curvature = tf.tensor1d([1, 3, 10]);
    for (let count = 0; count < steps; count++) {
      const grads = { w: tf.mul(curvature, tf.sub(params["w"]!, 1)) };
      const step = { params, grads, slots, rate: tf.scalar(rate(count)), count: tf.scalar(count, "int32") };
      const next = optimizer.update(step);
      params = next.params;
      slots = next.slots as typeof slots;
    }
    return params["w"]!.dataSync() as Float32Array;
  }

  const table: readonly (readonly [string, IOptimizer, number])[] = [
    ["AdamW", new AdamWOptimizer([], { beta2: 0.999 }), 0.05],
    ["Adam", new AdamOptimizer([]), 0.05],
    ["SGD", new SgdOptimizer([]), 0.1],
    ["SGD with momentum", new SgdOptimizer([], { momentum: 0.9 }), 0.02],
    ["SGD with Nesterov's momentum", new SgdOptimizer([], { momentum: 0.9, nesterov: true }), 0.02],
    ["Lion", new LionOptimizer([]), 0.05],
    ["Adafactor", new AdafactorOptimizer([]), 0.05],
    ["Muon's AdamW", new MuonOptimizer([], { beta2: 0.999 }), 0.05],
  ];

  it.each(table)("%s finds the minimum of an ill-conditioned bowl", (_, optimizer, peak) => {
    // The rate falls, because Lion's steps do not.
    const found = minimise(optimizer, 600, (count) => peak * (1 - count / 600));
    for (const x of found) expect(x).toBeCloseTo(1, 2);
  });

  it("of the adaptive kind moves by the rate at first, whatever the gradient's size", () => {
    const adaptive = [
      new AdamWOptimizer([], { beta2: 0.999 }),
      new AdamWOptimizer([], { beta1: 0, beta2: 0 }),
      new AdamOptimizer([]),
      new LionOptimizer([]),
    ];
    for (const optimizer of adaptive) {
      const moved = minimise(optimizer, 1, () => 0.01);
      [3.99, -2.99, 0.51].forEach((x, i) => expect(moved[i]).toBeCloseTo(x, 6));
    }
  });

  const withDecay = (given: readonly ParameterSpec[]): readonly IOptimizer[] => [
    new AdamWOptimizer(given, { weightDecay: 0.5 }),
    new LionOptimizer(given, { weightDecay: 0.5 }),
    new SgdOptimizer(given, { weightDecay: 0.5 }),
  ];
  it("begins momentum with the whole gradient, whatever the dampening", () => {
    const [x] = minimise(new SgdOptimizer([], { momentum: 0.9, dampening: 0.5 }), 2, () => 0.1);
    // 4 - 0.1 · 3 = 3.7, then momentum 0.9 · 3 + 0.5 · 2.7 = 4.05.
    expect(x).toBeCloseTo(3.7 - 0.405, 5);
  });

  it("decays only what its spec says, in proportion to the rate", () => {
    for (const optimizer of withDecay([parameter("a", [3], true), parameter("b", [3], false)])) {
      const zeros = { a: tf.zeros([3]), b: tf.zeros([3]) };
      const names = optimizer.slots(parameter("a", [3], true)).map(({ name }) => name);
      const next = optimizer.update({
        params: { a: tf.ones([3]), b: tf.ones([3]) },
        grads: zeros,
        slots: Object.fromEntries(names.map((name) => [name, zeros])),
        rate: tf.scalar(0.1),
        count: tf.scalar(0, "int32"),
      }).params;
      expect([next["a"]!.dataSync()[0], next["b"]!.dataSync()[0]]).toEqual([Math.fround(0.95), 1]);
    }
  });

  it("of Muon's kind moves a block's matrix alike in all directions, and others as AdamW does", () => {
    const matrix = { ...parameter("h.0.w", [4, 2], false), block: "h.0" };
    const optimizer = new MuonOptimizer([matrix], { weightDecay: 0 });
    expect(optimizer.slots(matrix).map(({ name }) => name)).toEqual(["momentum"]);
    expect(optimizer.slots(parameter("wte", [4, 2], true)).map(({ name }) => name)).toEqual(["m", "v"]);
    // Singular values 100 and 1 of the gradient; those of the step are alike.
    const gradient = tf.tensor2d([100, 0, 0, 1, 0, 0, 0, 0], [4, 2]);
    const zeros = tf.zeros([4, 2]);
    const { params } = optimizer.update({
      params: { [matrix.name]: zeros },
      grads: { [matrix.name]: gradient },
      slots: { momentum: { [matrix.name]: zeros }, m: {}, v: {} },
      rate: tf.scalar(1),
      count: tf.scalar(0, "int32"),
    });
    const [a, b, c, d] = params[matrix.name]!.dataSync() as unknown as [number, number, number, number];
    expect([b, c].every((x) => Math.abs(x) < 1e-6)).toBe(true);
    // 0.2 √4 times a singular value in the iteration's band.
    for (const moved of [-a / 0.4, -d / 0.4]) {
      expect(moved).toBeGreaterThan(0.5);
      expect(moved).toBeLessThan(1.3);
    }
  });

  it("keeps a thousandth of Adam's state where it is Adafactor", () => {
    const sizes = (slots: readonly SlotSpec[]): number => slots.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const table = parameter("wte", [2048, 2048], true);
    expect(sizes(new AdafactorOptimizer([]).slots(table)) / sizes(new AdamOptimizer([]).slots(table))).toBeLessThan(
      1e-3,
    );
    expect(new AdafactorOptimizer([]).slots(parameter("b", [7], false))[0]!.shape).toEqual([7]);
  });

  it("decays as part of the gradient where it is Adam", () => {
    const optimizer = new AdamOptimizer([parameter("a", [3], true)], { weightDecay: 0.5 });
    const zeros = { a: tf.zeros([3]), b: tf.zeros([3]) };
    const next = optimizer.update({
      params: { a: tf.ones([3]), b: tf.ones([3]) },
      grads: zeros,
      slots: { m: zeros, v: zeros },
      rate: tf.scalar(0.1),
      count: tf.scalar(0, "int32"),
    });
    // The first step has the size of the rate, whatever the gradient's.
    expect(next.params["a"]!.dataSync()[0]).toBeCloseTo(0.9, 6);
    expect(next.slots["m"]!["a"]!.dataSync()[0]).toBeCloseTo(0.05, 6);
    expect(next.params["b"]!.dataSync()[0]).toBe(1);
  });

  it.each([{ beta1: 1 }, { beta2: -0.1 }, { epsilon: 0 }, { weightDecay: -1 }])(
    "of the Adam family refuses %j",
    (options) => {
      expect(() => new AdamWOptimizer([], options)).toThrow("AdamW's settings are out of range");
      expect(() => new AdamOptimizer([], options)).toThrow("Adam's settings are out of range");
    },
  );

  it.each([{ beta1: 1 }, { beta2: -0.1 }, { weightDecay: -1 }])("of Lion's kind refuses %j", (options) => {
    expect(() => new LionOptimizer([], options)).toThrow("Lion's settings are out of range");
  });

  it.each([{ momentum: 1 }, { iterations: 0 }, { iterations: 1.5 }, { beta2: 1 }])(
    "of Muon's kind refuses %j",
    (options) => {
      expect(() => new MuonOptimizer([], options)).toThrow("Muon's settings are out of range");
    },
  );

  it.each([{ decay: 0 }, { threshold: 0 }, { scale: 0 }, { weightDecay: -1 }])(
    "of Adafactor's kind refuses %j",
    (options) => {
      expect(() => new AdafactorOptimizer([], options)).toThrow("Adafactor's settings are out of range");
    },
  );

  it.each([
    { momentum: 1 },
    { dampening: 2 },
    { weightDecay: -1 },
    { nesterov: true },
    { nesterov: true, momentum: 0.9, dampening: 0.1 },
  ])("of SGD's kind refuses %j", (options) => {
    expect(() => new SgdOptimizer([], options)).toThrow("SGD's settings are out of range");
  });
});
