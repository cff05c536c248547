import { Random } from "@pipe/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleToken, type SamplingOptions } from "./sampling.ts";

/** Shares of the tokens among many draws. */
function sharesOf(logits: readonly number[], options: SamplingOptions, draws = 40_000): number[] {
  const random = new Random(7);
  const counts = logits.map(() => 0);
  for (let i = 0; i < draws; i++) counts[sampleToken(logits, options, random)]!++;
  return counts.map((count) => count / draws);
}
/** The largest difference; infinite where something came that never should. */
const distance = (shares: readonly number[], expected: readonly number[]): number =>
  Math.max(...shares.map((share, i) => (expected[i] === 0 && share > 0 ? Infinity : Math.abs(share - expected[i]!))));
const logitsOf = (...probabilities: number[]): number[] => probabilities.map((p) => Math.log(p));

describe("sampleToken", () => {
  it("draws from the softmax of the logits", () => {
    expect(distance(sharesOf(logitsOf(0.1, 0.6, 0.3), {}), [0.1, 0.6, 0.3])).toBeLessThan(0.01);
    const shifted = logitsOf(0.1, 0.6, 0.3).map((x) => x + 500);
    expect(distance(sharesOf(shifted, {}), [0.1, 0.6, 0.3])).toBeLessThan(0.01);
  });

  it("divides logits by the temperature", () => {
    // Squares and square roots of 0.2 and 0.8, made to add up to 1.
    expect(distance(sharesOf(logitsOf(0.2, 0.8), { temperature: 0.5 }), [1 / 17, 16 / 17])).toBeLessThan(0.01);
    expect(distance(sharesOf(logitsOf(0.2, 0.8), { temperature: 2 }), [1 / 3, 2 / 3])).toBeLessThan(0.01);
    expect(distance(sharesOf([1, 3, 2], { temperature: Number.MIN_VALUE }, 100), [0, 1, 0])).toBeLessThan(0.01);
  });

  it("keeps the k likeliest", () => {
    expect(distance(sharesOf(logitsOf(0.1, 0.4, 0.2, 0.3), { topK: 2 }), [0, 4 / 7, 0, 3 / 7])).toBeLessThan(0.01);
    expect(distance(sharesOf(logitsOf(0.1, 0.9), { topK: 50 }), [0.1, 0.9])).toBeLessThan(0.01);
  });

  it("keeps the smallest set whose probability reaches p", () => {
    const logits = logitsOf(0.1, 0.4, 0.2, 0.3);
    expect(distance(sharesOf(logits, { topP: 0.65 }), [0, 4 / 7, 0, 3 / 7])).toBeLessThan(0.01);
    expect(distance(sharesOf(logits, { topP: 0.75 }), [0, 4 / 9, 2 / 9, 3 / 9])).toBeLessThan(0.01);
    expect(distance(sharesOf(logits, { topP: 1e-9 }), [0, 1, 0, 0])).toBeLessThan(0.01);
    // Both together: p counts within the k that are left.
    expect(distance(sharesOf(logits, { topK: 3, topP: 0.4 }), [0, 1, 0, 0])).toBeLessThan(0.01);
  });

  it("keeps what is at least so many times as likely as the likeliest", () => {
    const logits = logitsOf(0.1, 0.4, 0.2, 0.3);
    expect(distance(sharesOf(logits, { minP: 0.6 }), [0, 4 / 7, 0, 3 / 7])).toBeLessThan(0.01);
    expect(distance(sharesOf(logits, { minP: 1 }), [0, 1, 0, 0])).toBeLessThan(0.01);
    expect(distance(sharesOf(logits, { minP: 0.3, topK: 2 }), [0, 4 / 7, 0, 3 / 7])).toBeLessThan(0.01);
  });

  it("makes tokens that came before less likely, whatever the sign of their logits", () => {
    const choose = (logits: readonly number[], before: readonly number[]): number =>
      sampleToken(logits, { temperature: 0, repetitionPenalty: 2 }, new Random(1), before);
    expect(choose([4, 3, 1], [])).toBe(0);
    expect(choose([4, 3, 1], [0, 0])).toBe(1);
    expect(choose([-2, -3, -9], [0])).toBe(1);
    expect(choose([4, 3, 1], [0, 1])).toBe(0);
  });

  it("takes the first of the largest at temperature 0, without drawing", () => {
    const random = new Random(1);
    const before = random.capture();
    expect(sampleToken([1, 3, 2, 3], { temperature: 0 }, random)).toBe(1);
    expect(sampleToken([-Infinity, -4], { temperature: 0 }, random)).toBe(1);
    expect(random.capture()).toEqual(before);
  });

  it("orders equal logits by id", () => {
    expect(distance(sharesOf([5, 5, 5, 5], { topK: 2 }), [0.5, 0.5, 0, 0])).toBeLessThan(0.01);
    expect(distance(sharesOf([-Infinity, 5, -Infinity, 5], {}), [0, 0.5, 0, 0.5])).toBeLessThan(0.01);
  });

  it("chooses what the same random state chose before, and only tokens that can come", () => {
    const logit = fc.oneof(fc.double({ min: -50, max: 50, noNaN: true }), fc.constant(-Infinity));
    const options = fc.record(
      { temperature: fc.double({ min: 0, max: 3, noNaN: true }), topK: fc.integer({ min: 1, max: 9 }) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(logit, { maxLength: 20 }), options, fc.nat(), (rest, sampling, seed) => {
        const logits = Float32Array.of(...rest, 0);
        const id = sampleToken(logits, sampling, new Random(seed));
        expect(id).toBe(sampleToken(logits, sampling, new Random(seed)));
        expect(logits[id]).toBeGreaterThan(-Infinity);
      }),
    );
  });

  it.each([
    [[0, Number.NaN], /got: NaN for token 1/],
    [[Infinity, 0], /got: Infinity for token 0/],
    [[-Infinity, -Infinity], /got: -Infinity for every token/],
  ])("refuses the logits %j", (logits, message) => {
    for (const temperature of [0, 1]) {
      expect(() => sampleToken(logits, { temperature }, new Random(1))).toThrow(message);
    }
  });

  it.each([{ temperature: -1 }, { temperature: Infinity }, { topK: 0 }, { topK: 1.5 }, { topP: 0 }, { topP: 1.1 }])(
    "refuses %j",
    (options) => {
      const code = "sampling-invalid";
      expect(() => sampleToken([0, 1], options, new Random(1))).toThrow(expect.objectContaining({ code }));
    },
  );
});
