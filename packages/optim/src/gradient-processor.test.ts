import type { Params } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import { GradientProcessor } from "./gradient-processor.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
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
