import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Budget, EpochManager } from "./epoch-manager.ts";

const batches = fc.array(fc.record({ tokens: fc.nat(50) }), { minLength: 1, maxLength: 40 });
const limit = fc.integer({ min: 1, max: 60 });
const budgets = fc
  .record({ steps: limit, tokens: limit, epochs: fc.integer({ min: 1, max: 4 }) }, { requiredKeys: [] })
  .filter((budget) => Object.keys(budget).length > 0);

describe("EpochManager", () => {
  it("says `last` at the first step that reaches a limit, and at no step before", () => {
    fc.assert(
      fc.property(budgets, batches, (budget: Budget, sizes) => {
        const epochs = new EpochManager(budget);
        let [step, tokens] = [0, 0];
        for (const batch of sizes) {
          step++;
          tokens += batch.tokens;
          const epoch = Math.floor(step / 10);
          const { last, ...position } = epochs.advance({ ...batch, epoch });
          expect(position).toEqual({ step, applied: 0, tokens, epoch });
          const reached =
            step >= (budget.steps ?? Infinity) ||
            tokens >= (budget.tokens ?? Infinity) ||
            epoch >= (budget.epochs ?? Infinity);
          expect([last, epochs.done]).toEqual([reached, reached]);
        }
      }),
    );
  });

  it("goes on after capture and restore as if nothing had happened", () => {
    fc.assert(
      fc.property(batches, batches, (before, after) => {
        const [one, other] = [new EpochManager({ steps: 50 }), new EpochManager({ steps: 50 })];
        for (const batch of before) one.advance(batch);
        one.confirm(before.length - 1);
        other.restore(JSON.parse(JSON.stringify(one.capture())));
        for (const batch of after) expect(other.advance(batch)).toEqual(one.advance(batch));
        expect(other.capture()).toEqual(one.capture());
      }),
    );
  });

  it("keeps the epoch where a batch does not tell it, and forgets `last` at the next step", () => {
    const epochs = new EpochManager({ steps: 9 });
    epochs.advance({ tokens: 1, epoch: 2 });
    epochs.finish();
    expect(epochs.progress).toEqual({ step: 1, applied: 0, tokens: 1, epoch: 2, last: true });
    expect(epochs.done).toBe(false);
    expect(epochs.advance({ tokens: 1 })).toMatchObject({ epoch: 2, last: false });
  });

  it.each([{}, { steps: 0 }, { tokens: -1 }, { steps: 5, epochs: Number.NaN }])("refuses the budget %j", (budget) => {
    expect(() => new EpochManager(budget)).toThrow("positive budget");
  });

  it.each([null, 3, {}, { step: 1, applied: 1, tokens: -1, epoch: 0 }, { step: 1.5, applied: 0, tokens: 0, epoch: 0 }])(
    "refuses the state %j and stays as it was",
    (value) => {
      const epochs = new EpochManager({ steps: 5 });
      epochs.advance({ tokens: 3 });
      expect(() => epochs.restore(value)).toThrow(expect.objectContaining({ code: "state-invalid" }));
      expect(epochs.progress.step).toBe(1);
    },
  );
});

describe("a budget of hours", () => {
  it("is used up by the clock, also by what earlier processes took", () => {
    let seconds = 3500;
    const epochs = new EpochManager({ hours: 1, steps: 99 }, () => seconds);
    expect(epochs.done).toBe(false);
    expect(epochs.advance({ tokens: 4 }).last).toBe(false);
    seconds = 3600;
    expect(epochs.advance({ tokens: 4 }).last).toBe(true);
    expect(epochs.done).toBe(true);
  });

  it("needs a clock", () => {
    expect(() => new EpochManager({ hours: 1 })).toThrow("needs a clock");
  });
});
