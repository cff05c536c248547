import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EvaluationScheduler } from "./evaluation-scheduler.ts";

const progress = { applied: 0, tokens: 0, epoch: 0 };

describe("EvaluationScheduler", () => {
  it("is due at every n-th step and at the last", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 500 }),
        fc.boolean(),
        (every, step, last) => {
          const scheduler = new EvaluationScheduler({ every });
          expect(scheduler.due({ ...progress, step, last })).toBe(last || step % every === 0);
        },
      ),
    );
  });

  it.each([0, -1, 2.5, Number.NaN])("refuses an interval of %d", (every) => {
    expect(() => new EvaluationScheduler({ every })).toThrow("positive number of steps");
  });
});
