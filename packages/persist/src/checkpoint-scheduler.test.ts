import { expect, it } from "vitest";
import { CheckpointScheduler } from "./checkpoint-scheduler.ts";

const at = (step: number, last = false) => ({ step, applied: step, tokens: 0, epoch: 0, last });
const refs = (...steps: number[]) => steps.map((step) => ({ step, location: `step-${step}` }));

it("is due at multiples and at the end", () => {
  const scheduler = new CheckpointScheduler({ every: 50 });
  const due = Array.from({ length: 201 }, (_, step) => step).filter((step) => scheduler.due(at(step)));
  expect(due).toEqual([50, 100, 150, 200]);
  expect(scheduler.due(at(73, true))).toBe(true);
});

it("keeps the newest, whatever the order", () => {
  const scheduler = new CheckpointScheduler({ every: 1, keepLast: 2 });
  expect(scheduler.surplus(refs(30, 10, 40, 20))).toEqual(refs(10, 20));
  expect(scheduler.surplus(refs(1, 2))).toEqual([]);
  expect(new CheckpointScheduler({ every: 1 }).surplus(refs(1, 2, 3))).toEqual([]);
});

it("refuses numbers that make no schedule", () => {
  for (const every of [0, -1, 1.5, NaN]) expect(() => new CheckpointScheduler({ every })).toThrow("where: every");
  expect(() => new CheckpointScheduler({ every: 1, keepLast: 0 })).toThrow("where: keepLast");
});
