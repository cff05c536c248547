import type { Params } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import { GradientProcessor } from "./gradient-processor.ts";
import { MixedPrecisionManager } from "./mixed-precision-manager.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const number = (tensor: tf.Tensor): number => tensor.dataSync()[0]!;

describe("MixedPrecisionManager", () => {
  /** Processes gradients one after another, as steps do, and returns the factor after each. */
  function scales(manager: MixedPrecisionManager, gradients: readonly number[]): number[] {
    let slots: Params = Object.fromEntries(manager.slots().map(({ name, init }) => [name, tf.scalar(init as number)]));
    return gradients.map((gradient) => {
      const processed = manager.process({ grads: { w: tf.tensor1d([gradient]) }, weight: tf.scalar(1), slots });
      slots = { ...processed.slots, ...processed.always };
      return number(slots["lossScale"]!);
    });
  }

  it("halves the factor where a gradient overflows, and doubles it after accepted updates in a row", () => {
    const options = { precision: "fp16", initialScale: 1024, growthInterval: 3 } as const;
    const manager = new MixedPrecisionManager(new GradientProcessor(), options);
    expect(scales(manager, [1, 1, 1, 1, Infinity, 1, 1, Number.NaN, 1, 1, 1])).toEqual([
      1024, 1024, 2048, 2048, 1024, 1024, 1024, 512, 512, 512, 1024,
    ]);
    const low = new MixedPrecisionManager(new GradientProcessor(), { ...options, initialScale: 1 });
    expect(scales(low, [Infinity, Infinity])).toEqual([1, 1]);
  });

  it("gives gradients their own size before they are clipped, and refuses those that overflow", () => {
    const manager = new MixedPrecisionManager(new GradientProcessor({ clip: 1 }), { precision: "fp16" });
    expect(manager.lossScale).toBe("lossScale");
    const slots = { lossScale: tf.scalar(8), lossScaleAccepted: tf.scalar(0) };
    const grads = { w: tf.tensor1d([24, 32]) };
    const { norm, accept, grads: made } = manager.process({ grads, weight: tf.scalar(1), slots });
    expect([number(norm), number(accept)]).toEqual([5, 1]);
    [...made["w"]!.dataSync()].forEach((x, i) => expect(x).toBeCloseTo([0.6, 0.8][i]!, 5));
    const infinite = manager.process({ grads: { w: tf.tensor1d([Infinity, 1]) }, weight: tf.scalar(1), slots });
    expect(number(infinite.accept)).toBe(0);
  });

  it.each(["fp32", "bf16"] as const)("leaves gradients of %s alone", (precision) => {
    const manager = new MixedPrecisionManager(new GradientProcessor(), { precision });
    expect([manager.lossScale, manager.slots(), manager.precision]).toEqual([undefined, [], precision]);
    const { grads } = manager.process({ grads: { w: tf.tensor1d([3]) }, weight: tf.scalar(1), slots: {} });
    expect(number(grads["w"]!)).toBe(3);
  });

  it.each([{ initialScale: 0.5 }, { initialScale: Infinity }, { growthInterval: 0 }, { growthInterval: 1.5 }])(
    "refuses %j",
    (options) => {
      expect(() => new MixedPrecisionManager(new GradientProcessor(), { precision: "fp16", ...options })).toThrow(
        expect.objectContaining({ code: "precision-invalid" }),
      );
    },
  );
});
