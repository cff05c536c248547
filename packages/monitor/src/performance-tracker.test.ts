import { describe, expect, it } from "vitest";
import type { EventMap } from "@pipe/core";
import { EventBus } from "./event-bus.ts";
import { PerformanceTracker } from "./performance-tracker.ts";

const started = { name: "run", step: 0, parameters: 100, engine: "onnx", device: "cpu" };
const unknown = {
  ...{ tokensPerSecond: null, medianStepMs: null, p95StepMs: null, gflopsPerSecond: null, etaSeconds: null },
};

/** A run whose clock stands still between events. */
function watch(over: Partial<EventMap["run-started"]> = {}) {
  const bus = new EventBus();
  const clock = { ms: 5000 };
  const tracker = new PerformanceTracker({ now: () => clock.ms });
  const attached = tracker.attach(bus);
  bus.emit("run-started", { ...started, ...over });
  let step = over.step ?? 0;
  const next = (ms: number, batchTokens = 64): void => {
    step++;
    clock.ms += ms;
    const loss = { loss: 2, rate: 1e-3, norm: 1, accepted: true };
    bus.emit("step-ended", { step, applied: step, tokens: 64 * step, epoch: 0, batchTokens, ...loss });
  };
  return { bus, clock, tracker, attached, next };
}

describe("PerformanceTracker", () => {
  it("knows nothing before the second step, whose predecessor may have compiled", () => {
    const { tracker, next } = watch({ steps: 10 });
    expect(tracker.snapshot()).toEqual({ step: 0, tokens: 0, ...unknown });
    next(9000);
    expect(tracker.snapshot()).toEqual({ step: 1, tokens: 64, ...unknown });
    next(100);
    expect(tracker.snapshot()).toEqual({
      ...{ step: 2, tokens: 128, tokensPerSecond: 640, medianStepMs: 100, p95StepMs: 100, gflopsPerSecond: null },
      etaSeconds: 0.8,
    });
  });

  it("takes median and 95th percentile of the last 100 steps", () => {
    const { tracker, next } = watch();
    next(0);
    for (let i = 0; i < 500; i++) next(7777);
    for (let i = 1; i <= 100; i++) next(i);
    const { medianStepMs, p95StepMs, tokensPerSecond } = tracker.snapshot();
    expect([medianStepMs, p95StepMs]).toEqual([50.5, 95]);
    expect(tokensPerSecond).toBeCloseTo((64 * 100) / 5.05, 8);
  });

  it("multiplies the operations of a step by steps a second", () => {
    const { tracker, next } = watch({ flopsPerStep: 3e9 });
    next(0);
    next(500);
    next(500);
    next(200);
    expect(tracker.snapshot().gflopsPerSecond).toBeCloseTo(7.5, 8);
    expect(tracker.snapshot().medianStepMs).toBe(500);
  });

  it("counts what is left from the step at which a run goes on", () => {
    const { tracker, next } = watch({ step: 990, steps: 1000 });
    next(0);
    next(2000);
    expect(tracker.snapshot().etaSeconds).toBe(16);
  });

  it("ends at whichever budget is used up first, and not before 0", () => {
    const { tracker, next } = watch({ steps: 1000, tokens: 640 });
    next(0);
    next(1000);
    expect(tracker.snapshot().etaSeconds).toBe(8);
    for (let i = 0; i < 20; i++) next(1000);
    expect(tracker.snapshot().etaSeconds).toBe(0);
  });

  it("leaves pauses out of the speed, and spreads them over the time left", () => {
    const { bus, clock, tracker, next } = watch({ steps: 202 });
    const evaluation = { metrics: {}, tokens: 1, seconds: 1 };
    bus.emit("evaluation-ended", { step: 0, ...evaluation });
    next(0);
    for (let i = 0; i < 100; i++) next(100);
    clock.ms += 30_000;
    bus.emit("evaluation-ended", { step: 101, ...evaluation });
    clock.ms += 20_000;
    bus.emit("checkpoint-saved", { step: 101, location: "here", seconds: 1 });
    next(100);
    const { tokensPerSecond, p95StepMs, etaSeconds } = tracker.snapshot();
    expect(tokensPerSecond).toBeCloseTo(640, 8);
    expect(p95StepMs).toBe(100);
    expect(etaSeconds).toBeCloseTo(100 * (0.1 + 50 / 101), 8);
  });

  it("starts afresh when the run resumes, with the budget it knows", () => {
    const { bus, tracker, next } = watch({ steps: 10 });
    next(0);
    next(100);
    bus.emit("run-resumed", { step: 1, checkpoint: "step-1" });
    expect(tracker.snapshot()).toEqual({ step: 0, tokens: 0, ...unknown });
    next(5000);
    next(100);
    expect(tracker.snapshot().etaSeconds).toBeCloseTo(0.6, 8);
  });

  it("hears no more once it is detached", () => {
    const { attached, tracker, next } = watch();
    attached[Symbol.dispose]();
    next(1);
    expect(tracker.snapshot().step).toBe(0);
  });

  it("reads the clock of the process by default", () => {
    const bus = new EventBus();
    const tracker = new PerformanceTracker();
    tracker.attach(bus);
    const figures = { tokens: 64, epoch: 0, loss: 2, rate: 1, norm: 1, accepted: true, batchTokens: 64 };
    bus.emit("step-ended", { step: 1, applied: 1, ...figures });
    const begin = performance.now();
    while (performance.now() === begin);
    bus.emit("step-ended", { step: 2, applied: 2, ...figures });
    expect(tracker.snapshot().medianStepMs).toBeGreaterThan(0);
  });
});
