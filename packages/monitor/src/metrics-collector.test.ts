import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { EventBus } from "./event-bus.ts";
import { MetricsCollector } from "./metrics-collector.ts";
import { logOf, report, runEvents } from "./run.test.fixture.ts";
import type { RunEvent } from "./run-event.ts";

function collected(events: readonly (RunEvent & { time: number })[]): MetricsCollector {
  const collector = new MetricsCollector();
  for (const event of events) collector.record(event, event.time);
  return collector;
}

it("collects the same from a log as from the events themselves", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pipe-metrics-"));
  const events = runEvents(40);
  await writeFile(join(folder, "events.jsonl"), logOf(events));
  const read = await MetricsCollector.read(join(folder, "events.jsonl"));
  expect(read.snapshot()).toEqual(collected(events).snapshot());
  await rm(folder, { recursive: true });
  await expect(MetricsCollector.read(join(folder, "events.jsonl"))).rejects.toMatchObject({
    code: "events-unreadable",
  });
});

it("keeps a series each for loss, rate, norm, throughput and what evaluations measured", () => {
  const metrics = collected(runEvents(40));
  expect(metrics.names).toEqual(["loss", "rate", "norm", "tokensPerSecond", "validation/loss", "validation/accuracy"]);
  expect(metrics.series("loss").at(-1)).toEqual({ step: 40, value: 1.075 });
  expect(metrics.series("validation/loss").map(({ step }) => step)).toEqual([10, 20, 30, 40]);
  expect(metrics.series("nothing")).toEqual([]);
  const { series, ...progress } = metrics.snapshot();
  expect(progress).toEqual(metrics.progress());
  expect(series["validation/accuracy"]).toEqual([10, 20, 30, 40].map((step) => [step, 0.5]));
  expect(progress).toMatchObject({
    run: { name: "tiny", steps: 40 },
    report: { step: 40 },
    evaluation: { step: 40, metrics: { accuracy: 0.5 } },
    ended: "completed",
    seconds: 8,
    etaSeconds: null,
  });
});

it("measures throughput over half a second at least, and leaves evaluations out", () => {
  const metrics = collected(runEvents(20));
  const points = metrics.series("tokensPerSecond");
  // The first step begins the measurement; the tenth is followed by an evaluation.
  expect(points.map(({ step }) => step)).toEqual([6, 10, 15, 20]);
  for (const { value } of points) expect(value).toBeCloseTo(10_000, 6);
});

it("leaves out what is too short to measure, and the time between the parts of a run", () => {
  const bus = new EventBus();
  const clock = { ms: 0 };
  const metrics = new MetricsCollector({ now: () => clock.ms });
  const attached = metrics.attach(bus);
  bus.emit("step-ended", report(1)); // heard of in the middle of a run
  clock.ms += 5;
  bus.emit("step-ended", report(2));
  bus.emit("checkpoint-failed", { step: 2, message: "disk full" });
  expect(metrics.series("tokensPerSecond")).toEqual([]);
  clock.ms += 1_000_000;
  bus.emit("run-started", { name: "tiny", step: 1, parameters: 1, engine: "onnx", device: "CPU" });
  expect(metrics.series("loss").map(({ step }) => step)).toEqual([1]); // step 2 is done again
  clock.ms += 1000;
  bus.emit("step-ended", report(2));
  clock.ms += 1000;
  bus.emit("step-ended", report(3));
  bus.emit("index-updated", { step: 3, documents: 1, chunks: 1 });
  expect(metrics.progress()).toMatchObject({ seconds: 2.005, tokensPerSecond: 1000, etaSeconds: null });
  attached[Symbol.dispose]();
  bus.emit("step-ended", report(4));
  expect(metrics.progress().report!.step).toBe(3);
});

it("tells the time left of a budget of steps and of one of tokens, at the pace so far", () => {
  const begin = runEvents(20).slice(0, 11);
  const inSteps = collected(begin);
  // Ten steps took a second.
  expect(inSteps.progress().etaSeconds).toBeCloseTo(1, 9);
  const [started, ...steps] = begin;
  const inTokens = collected([{ ...started!, steps: undefined, tokens: 40_000 } as never, ...steps]);
  expect(inTokens.progress().etaSeconds).toBeCloseTo(3, 9);
  expect(collected([started!]).progress().etaSeconds).toBeNull();
});

it("keeps the newest samples and notes, short, and counts skipped steps", () => {
  const metrics = new MetricsCollector({ points: 8 });
  for (let step = 1; step <= 100; step++) {
    metrics.record({ event: "sample-generated", step, prompt: "p", text: "x".repeat(10_000) }, step);
    metrics.record({ event: "step-skipped", step, loss: Number.NaN, norm: Infinity }, step);
    metrics.record({ event: "warning", source: "test", message: `number ${step}` }, step);
    metrics.record({ event: "epoch-ended", step, epoch: step }, step);
    metrics.record({ event: "step-ended", ...report(step) }, step);
  }
  const { samples, notes, skipped } = metrics.progress();
  expect([samples.length, samples[0]!.step, samples[0]!.text.length, skipped]).toEqual([10, 91, 4001, 100]);
  expect([notes.length, notes.at(-1)]).toEqual([
    50,
    { event: "warning", time: 100, text: "warning (test): number 100" },
  ]);
  expect(metrics.series("loss").length).toBeLessThanOrEqual(10);
});

it("names a checkpoint without the folder of the run", () => {
  const { notes } = collected(runEvents(10)).progress();
  expect(notes.find(({ event }) => event === "checkpoint-saved")!.text).toBe("checkpoint at step 10: step-10  (0.1s)");
});
