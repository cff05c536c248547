import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { constantSchedule } from "./constant.ts";
import { cosineSchedule } from "./cosine.ts";
import { inverseSqrtSchedule } from "./inverse-sqrt.ts";
import { linearSchedule } from "./linear.ts";
import { oneCycleSchedule } from "./one-cycle.ts";
import { wsdSchedule } from "./wsd.ts";

const peak = { rate: 1 };
const whole = { ...peak, warmup: 4, initial: 0, steps: 20 };

describe("schedules", () => {
  it("rise linearly, so that update `warmup` is the first at the full rate", () => {
    const { rate } = constantSchedule({ rate: 1, warmup: 3 });
    expect([0, 1, 2, 3, 100].map(rate)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect([0, 1, 2, 4].map(constantSchedule({ rate: 1, warmup: 4, initial: 0 }).rate)).toEqual([0, 0.25, 0.5, 1]);
  });

  it("fall in their shapes", () => {
    expect(linearSchedule(whole).rate(12)).toBe(0.5);
    expect(cosineSchedule({ ...whole, minimum: 0.1 }).rate(12)).toBeCloseTo(0.55, 12);
    expect(wsdSchedule({ ...whole, decay: 8 }).rate(14)).toBeCloseTo(0.5, 12);
    expect(inverseSqrtSchedule(whole).rate(16)).toBe(0.5);
    const cycle = oneCycleSchedule({ rate: 1, steps: 21, rise: 1 / 3, initial: 0, shape: "linear", threePhase: true });
    expect([0, 3, 6, 9, 12, 20].map(cycle.rate)).toEqual([0, 0.5, 1, 0.5, 0, 0]);
  });

  it("stay at their end", () => {
    expect([20, 21, 1000].map(linearSchedule({ ...whole, minimum: 0.25 }).rate)).toEqual([0.25, 0.25, 0.25]);
    expect([20, 99].map(cosineSchedule(whole).rate)).toEqual([0.1, 0.1]);
    expect([20, 99].map(wsdSchedule(whole).rate)).toEqual([0, 0]);
    const cycle = oneCycleSchedule({ rate: 1, steps: 21 });
    expect([20, 21, 500].map(cycle.rate)).toEqual([4e-6, 4e-6, 4e-6]);
    expect(constantSchedule(peak).rate(1e9)).toBe(1);
    expect(inverseSqrtSchedule({ rate: 1 }).rate(30_000)).toBe(0.5);
  });

  it("wsd falls over a fifth of its steps by default", () => {
    const { rate } = wsdSchedule({ rate: 1, steps: 100, shape: "linear" });
    expect([0, 80, 90, 100].map(rate)).toEqual([1, 1, 0.5, 0]);
  });

  it("can be very short", () => {
    const short = [constantSchedule, cosineSchedule, linearSchedule, wsdSchedule, oneCycleSchedule];
    for (const make of short) expect(make({ rate: 1, steps: 1, minimum: 0.5 }).rate(0)).toBeGreaterThan(0);
  });

  it("never leave the range from 0 to their rate", () => {
    const options = fc.record({
      rate: fc.double({ min: 1e-6, max: 10, noNaN: true }),
      warmup: fc.nat(20),
      steps: fc.integer({ min: 25, max: 200 }),
    });
    const makers = [
      constantSchedule,
      cosineSchedule,
      linearSchedule,
      wsdSchedule,
      oneCycleSchedule,
      inverseSqrtSchedule,
    ];
    fc.assert(
      fc.property(options, fc.nat(250), fc.constantFrom(...makers), (given, applied, make) => {
        const rate = make(given).rate(applied);
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(rate).toBeLessThanOrEqual(given.rate * (1 + 1e-12));
      }),
    );
  });

  it.each([{ rate: -1 }, { rate: Infinity }, { rate: 1, warmup: -1 }, { rate: 1, initial: Number.NaN }])(
    "refuse %j",
    (options) => {
      for (const make of [constantSchedule, cosineSchedule, linearSchedule, oneCycleSchedule, inverseSqrtSchedule]) {
        expect(() => make({ steps: 5, ...options })).toThrow("must be finite and not negative");
      }
    },
  );

  it("say what to do about a budget without a known end", () => {
    expect(() => wsdSchedule({ rate: 1, steps: Infinity })).toThrow("give the schedule its own `steps`");
  });

  it("refuse parts that are longer than the whole", () => {
    expect(() => wsdSchedule({ rate: 1, steps: 10, warmup: 6, decay: 5 })).toThrow("got: warmup: 6, decay: 5");
    expect(() => wsdSchedule({ rate: 1, steps: 10, decay: -1 })).toThrow("do not fit");
    expect(() => wsdSchedule({ rate: 1, steps: 10, decay: Number.NaN })).toThrow("got: warmup: 0, decay: NaN");
    expect(() => oneCycleSchedule({ rate: 1, steps: 10, rise: 1.5 })).toThrow("expected: rise ≤ 1");
    expect(() => oneCycleSchedule({ rate: 1, steps: 10, rise: 0.6, threePhase: true })).toThrow("rise ≤ 0.5");
  });
});
