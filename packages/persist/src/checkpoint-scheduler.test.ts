import { expect, it } from "vitest";
import { CheckpointScheduler } from "./checkpoint-scheduler.ts";

const at = (step: number, last = false) => ({ step, applied: step, tokens: 0, epoch: 0, last });
const refs = (...steps: number[]) => steps.map((step) => ({ step, location: `step-${step}` }));
const dueUpTo = (scheduler: CheckpointScheduler, end: number): number[] =>
  Array.from({ length: end + 1 }, (_, step) => step).filter((step) => scheduler.due(at(step)));

it("is due at multiples and at the end", () => {
  const scheduler = new CheckpointScheduler({ every: 50 });
  expect(dueUpTo(scheduler, 200)).toEqual([50, 100, 150, 200]);
  expect(scheduler.due(at(73, true))).toBe(true);
  expect(dueUpTo(new CheckpointScheduler({}), 200)).toEqual([]);
  expect(dueUpTo(new CheckpointScheduler({ every: null, pinned: [7, 9] }), 200)).toEqual([7, 9]);
});

it("is due by the clock, and says the same again in the same step", () => {
  let minutes = 100;
  const scheduler = new CheckpointScheduler({ everyMinutes: 10, now: () => minutes * 60_000 });
  const due = [0, 4, 8, 12, 16, 20, 24].map((passed, step) => {
    minutes = 100 + passed;
    expect(scheduler.due(at(step))).toBe(scheduler.due(at(step)));
    return scheduler.due(at(step));
  });
  expect(due).toEqual([false, false, false, true, false, false, true]);
});

it("keeps the newest, whatever the order", () => {
  const scheduler = new CheckpointScheduler({ every: 1, keepLast: 2 });
  expect(scheduler.surplus(refs(30, 10, 40, 20))).toEqual(refs(10, 20));
  expect(scheduler.surplus(refs(1, 2))).toEqual([]);
  expect(new CheckpointScheduler({ every: 1 }).surplus(refs(1, 2, 3))).toEqual([]);
});

it("keeps multiples, pinned steps and the best", () => {
  const keepBest = { metric: "loss", better: "lower" } as const;
  const scheduler = new CheckpointScheduler({ keepLast: 1, keepEvery: 100, pinned: [30], keepBest });
  scheduler.observe({ step: 50, metrics: { loss: 2 } });
  expect(scheduler.surplus(refs(30, 50, 60, 100, 110, 120))).toEqual(refs(60, 110));
});

it.each([
  ["lower", 2],
  ["higher", 3],
] as const)("saves each new best where %s is better", (better, best) => {
  const scheduler = new CheckpointScheduler({ keepBest: { metric: "score", better } });
  const values = [5, 1, 9, 9, Number.NaN, 1];
  const due = values.flatMap((score, i) => {
    scheduler.observe({ step: i + 1, metrics: { score } });
    return scheduler.due(at(i + 1)) ? [i + 1] : [];
  });
  expect(due).toEqual([1, best]);
  expect(scheduler.best).toEqual({ step: best, value: values[best - 1] });
  const other = new CheckpointScheduler({ keepBest: { metric: "score", better } });
  other.restore(JSON.parse(JSON.stringify(scheduler.capture())));
  expect(other.best).toEqual(scheduler.best);
  expect(() => other.observe({ step: 9, metrics: { loss: 1 } })).toThrow("expected: one of loss");
});

it("begins anew with another metric, and keeps the best while none is asked for", () => {
  const byLoss = new CheckpointScheduler({ keepBest: { metric: "loss", better: "lower" } });
  byLoss.observe({ step: 4, metrics: { loss: 2 } });
  const asked = (keepBest?: { readonly metric: string; readonly better: "lower" | "higher" }) => {
    const scheduler = new CheckpointScheduler(keepBest === undefined ? { keepLast: 1 } : { keepLast: 1, keepBest });
    scheduler.restore(byLoss.capture());
    return scheduler;
  };
  // A loss of 2 is no accuracy that 0.5 would have to beat.
  const byAccuracy = asked({ metric: "accuracy", better: "higher" });
  byAccuracy.observe({ step: 6, metrics: { accuracy: 0.5 } });
  expect(byAccuracy.best).toEqual({ step: 6, value: 0.5 });
  expect(asked().surplus(refs(4, 5, 6))).toEqual(refs(5));
  expect(asked().capture()).toEqual(byLoss.capture());
  // As it was stored before the metric was named.
  byAccuracy.restore({ best: { step: 4, value: 0.9 } });
  expect(byAccuracy.best).toEqual({ step: 4, value: 0.9 });
});

it("has no best without a metric, and keeps that too", () => {
  const scheduler = new CheckpointScheduler({ every: 1 });
  scheduler.observe({ step: 1, metrics: { loss: 1 } });
  expect(scheduler.best).toBeUndefined();
  scheduler.restore(scheduler.capture());
  expect(scheduler.capture()).toEqual({ best: null });
  for (const state of [null, {}, { best: { step: 1 } }, { best: { step: "1", value: 1 } }]) {
    expect(() => scheduler.restore(state)).toThrow(expect.objectContaining({ code: "state-invalid" }) as Error);
  }
});

it("refuses numbers that make no schedule", () => {
  for (const every of [0, -1, 1.5, NaN]) expect(() => new CheckpointScheduler({ every })).toThrow("where: every");
  expect(() => new CheckpointScheduler({ every: 1, keepLast: 0 })).toThrow("where: keepLast");
  expect(() => new CheckpointScheduler({ keepEvery: 0.5 })).toThrow("where: keepEvery");
  expect(() => new CheckpointScheduler({ pinned: [1, 0] })).toThrow("where: pinned.1");
  expect(() => new CheckpointScheduler({ everyMinutes: 0, now: () => 0 })).toThrow("where: everyMinutes");
  expect(() => new CheckpointScheduler({ everyMinutes: 1 })).toThrow("where: now");
});
