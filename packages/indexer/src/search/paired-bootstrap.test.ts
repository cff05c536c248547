import { Random } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { pairedBootstrap } from "./paired-bootstrap.ts";

describe("pairedBootstrap", () => {
  it("gives bounds near those of a normal distribution for many questions", () => {
    const random = new Random(3);
    const theirs = Array.from({ length: 1_000 }, () => random.uniform());
    const ours = theirs.map((score) => score + 0.1 + (random.uniform() - 0.5));
    const { difference, low, high } = pairedBootstrap(ours, theirs);
    const mean = ours.reduce((sum, score, at) => sum + score - theirs[at]!, 0) / 1_000;
    expect(difference).toBeCloseTo(mean, 12);
    // The standard error of a uniform difference of width 1 is 1 / √12 / √1000.
    const bound = 1.96 / Math.sqrt(12_000);
    expect(low).toBeCloseTo(mean - bound, 2);
    expect(high).toBeCloseTo(mean + bound, 2);
    expect(pairedBootstrap(ours, theirs)).toEqual({ difference, low, high });
  });

  it("has no width where every question says the same, and includes 0 where it is chance", () => {
    const same = pairedBootstrap([0.75, 0.5, 1], [0.25, 0, 0.5], { draws: 50 });
    expect(same).toEqual({ difference: 0.5, low: 0.5, high: 0.5 });
    const chance = pairedBootstrap([1, 0, 1, 0, 1], [0, 1, 0, 1, 0]);
    expect(chance.low).toBeLessThan(0);
    expect(chance.high).toBeGreaterThan(0);
  });

  it.each([
    [[], []],
    [[1], []],
    [[1, 2], [1]],
  ])("refuses %j and %j", (ours, theirs) => {
    expect(() => pairedBootstrap(ours, theirs)).toThrow(/question by question/);
  });
});
