import { describe, expect, it } from "vitest";
import { DivergenceGuard } from "./divergence-guard.ts";

const report = (step: number, accepted: boolean) => {
  const figures = accepted ? { loss: 2, norm: 1 } : { loss: Number.NaN, norm: Infinity };
  return { step, applied: 1, tokens: 0, epoch: 0, rate: 0.5, accepted, batchTokens: 4, ...figures };
};
const progress = { step: 5, applied: 1, tokens: 0, epoch: 0, last: false };

describe("DivergenceGuard", () => {
  it("counts refused steps in a row", () => {
    const guard = new DivergenceGuard({ limit: 3 });
    for (const [i, accepted] of [false, false, true, false, false].entries()) guard.observe(report(i, accepted));
    guard.check(progress);
    guard.observe(report(6, false));
    expect(() => guard.check(progress)).toThrow(
      /3 updates in a row[^]*loss NaN, gradient norm Infinity[^]*step 6, rate 0.500/,
    );
  });

  it("with a limit of 1 ends at the first", () => {
    const guard = new DivergenceGuard({ limit: 1 });
    guard.check(progress);
    guard.observe(report(1, false));
    expect(() => guard.check(progress)).toThrow("an update was refused");
  });

  it("lets a loss scale seek its size by steps whose loss is finite", () => {
    const guard = new DivergenceGuard({ limit: 1, patience: 2 });
    const sought = (step: number) => ({ ...report(step, false), loss: 2 });
    for (const each of [sought(1), sought(2), report(3, true), sought(4), sought(5)]) guard.observe(each);
    guard.check(progress);
    guard.observe(sought(6));
    expect(() => guard.check(progress)).toThrow("an update was refused");
    const other = new DivergenceGuard({ limit: 1, patience: 2 });
    other.observe(report(1, false));
    expect(() => other.check(progress)).toThrow("loss NaN");
  });

  it("says at the end that nothing was applied, unless no step was taken", () => {
    const guard = new DivergenceGuard();
    guard.check({ ...progress, applied: 0, last: true });
    guard.observe(report(1, false));
    guard.check({ ...progress, applied: 0 });
    expect(() => guard.check({ ...progress, applied: 0, last: true })).toThrow("every update was refused");
  });

  it("counts a report once", () => {
    const guard = new DivergenceGuard({ limit: 2 });
    guard.observe(report(1, false));
    guard.observe(report(1, false));
    guard.check(progress);
    guard.observe(report(2, false));
    expect(() => guard.check(progress)).toThrow("2 updates in a row");
  });

  it("keeps the factor of rates, and begins to count again when it is restored", () => {
    const guard = new DivergenceGuard({ limit: 1 });
    guard.rateFactor = 0.25;
    guard.observe(report(1, false));
    expect(guard.scale({ rate: (applied) => applied }).rate(8)).toBe(2);
    const other = new DivergenceGuard();
    const scaled = other.scale({ rate: () => 1 });
    other.restore(JSON.parse(JSON.stringify(guard.capture())));
    expect([other.rateFactor, scaled.rate(0)]).toEqual([0.25, 0.25]);
    guard.restore(guard.capture());
    guard.check(progress);
    guard.observe(report(1, false));
    expect(() => guard.check(progress)).toThrow("an update was refused");
  });

  it("refuses what is not its state, or no limit", () => {
    for (const state of [null, {}, { rateFactor: 0 }, { rateFactor: "1" }]) {
      expect(() => new DivergenceGuard().restore(state)).toThrow(
        expect.objectContaining({ code: "state-invalid" }) as Error,
      );
    }
    for (const limit of [0, 1.5]) expect(() => new DivergenceGuard({ limit })).toThrow("an integer from 1");
  });
});
