import type { EventMap, StepContext } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { EarlyStopping, type EarlyStoppingOptions } from "./early-stopping.ts";

/** Shows values one evaluation after the other; tells the step at which training ends. */
function run(stopping: EarlyStopping, values: readonly number[], { metric = "loss", from = 1, last = Infinity } = {}) {
  const told: EventMap["early-stopped"][] = [];
  for (const [i, value] of values.entries()) {
    const step = from + i;
    let ended = false;
    const context = {
      progress: { step, applied: step, tokens: 0, epoch: 0, last: step === last },
      events: {
        emit: (_: string, data: never) => void told.push(data),
        on: () => ({ [Symbol.dispose]: () => undefined }),
      },
      stop: () => void (ended = true),
    } as Pick<StepContext, "progress" | "events" | "stop">;
    stopping.observe({ step, metrics: { [metric]: value } }, context);
    expect(ended).toBe(told.length > 0);
    if (ended) return { step, told };
  }
  return { step: undefined, told };
}
const make = (options: Partial<EarlyStoppingOptions> = {}): EarlyStopping =>
  new EarlyStopping({ metric: "loss", better: "lower", patience: 2, ...options });

describe("EarlyStopping", () => {
  it("ends after so many evaluations without a better value, and says what was the best", () => {
    expect(run(make(), [3, 2, 2.5, 1.9, 1.95, 1.9, 1])).toEqual({
      step: 6,
      told: [{ step: 6, metric: "loss", best: 1.9 }],
    });
    expect(run(make(), [3, 2, 2.5, 1, 1.5]).step).toBeUndefined();
  });

  it("knows metrics of which more is better", () => {
    const options = { metric: "accuracy", better: "higher" } as const;
    expect(run(make(options), [0.1, 0.3, 0.2, 0.3], { metric: "accuracy" }).step).toBe(4);
  });

  it("counts a value only where it is better by the minimum", () => {
    expect(run(make({ minimumDelta: 0.1 }), [2, 1.95, 1.91]).step).toBe(3);
    expect(run(make({ minimumDelta: 0.1 }), [2, 1.95, 1.89, 1.85]).step).toBeUndefined();
  });

  it("takes a value that is not finite for no better one", () => {
    expect(run(make(), [Number.NaN, Infinity])).toMatchObject({ step: 2, told: [{ best: Number.NaN }] });
  });

  it("leaves a run alone that ends anyway", () => {
    expect(run(make(), [1, 2, 3], { last: 3 })).toEqual({ step: undefined, told: [] });
  });

  it("begins anew when the run is resumed with another metric", () => {
    const first = make();
    run(first, [2, 3]);
    const second = make({ metric: "accuracy", better: "higher" });
    second.restore(first.capture());
    // A loss of 2 is no accuracy that 0.1 would have to beat.
    expect(run(second, [0.1, 0.2, 0.1, 0.2], { metric: "accuracy", from: 3 }).told).toEqual([
      { step: 6, metric: "accuracy", best: 0.2 },
    ]);
  });

  it("goes on waiting where it was when the run is resumed", () => {
    const first = make();
    run(first, [2, 3]);
    const second = make();
    second.restore(JSON.parse(JSON.stringify(first.capture())));
    expect(run(second, [2.5], { from: 3 }).told).toEqual([{ step: 3, metric: "loss", best: 2 }]);
    // As it was stored before the metric was named.
    const third = make();
    third.restore({ best: { step: 1, value: 2 }, waited: 1 });
    expect(run(third, [2.5], { from: 3 }).step).toBe(3);
  });

  it("refuses what it cannot work with", () => {
    expect(() => run(make(), [1], { metric: "perplexity" })).toThrow("expected: one of perplexity");
    for (const options of [{ patience: 0 }, { patience: 1.5 }, { minimumDelta: -1 }]) {
      expect(() => make(options)).toThrow(expect.objectContaining({ code: "early-stopping-invalid" }) as Error);
    }
    for (const state of [null, { best: null }, { best: { step: 1 }, waited: 0 }]) {
      expect(() => make().restore(state)).toThrow(expect.objectContaining({ code: "state-invalid" }) as Error);
    }
  });
});
