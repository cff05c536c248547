import { resolveCheckpoint } from "@pipe/persist";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventMap } from "@pipe/core";
import { EventBus, onEveryEvent, readEvents, type RunEvent } from "@pipe/monitor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadExperiment } from "./experiment.ts";
import { trainedSeconds } from "./trained-seconds.ts";
import { tinyExperiment } from "./tiny-experiment.test.fixture.ts";
import { TrainingPipelineV2 } from "./training-pipeline-v2.ts";

let folder: string;
let runsDir: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-recovery-"));
  runsDir = join(folder, "runs");
  await writeFile(join(folder, "text.txt"), "one two three four five six seven ".repeat(60));
  // A schedule that makes weights overflow after its tenth update, unless its rates are lowered by 30 decades.
  await writeFile(
    join(folder, "cliff.mjs"),
    `export default { api: 1, name: "cliff", components: [
      { port: "schedule", kind: "cliff", create: () => ({ rate: (applied) => (applied < 10 ? 1e-3 : 1e30) }) },
    ] };`,
  );
});
afterAll(() => rm(folder, { recursive: true }));

type Sections = { readonly [section: string]: object };

/** Runs a tiny experiment with some sections changed. */
async function run(name: string, sections: Sections, { resume = false, now = (): number => 0 } = {}) {
  const raw = tinyExperiment(folder, {
    name,
    evaluation: { every: 1000, batches: 1 },
    ...sections,
    training: { steps: 16, ...sections["training"] },
  });
  const { experiment, components } = await loadExperiment(raw, { from: folder });
  const events = new EventBus();
  const told: RunEvent[] = [];
  onEveryEvent(events, (event) => void told.push(event));
  const result = await new TrainingPipelineV2(experiment, { components, runsDir, now, events, resume }).run().then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  return { ...result, told, path: join(runsDir, name) };
}

const cliff = { plugins: ["./cliff.mjs"], optimization: { schedule: { kind: "cliff" } } };
const restore = (rateFactor: number, attempts = 3) => ({
  training: { onNonFinite: { restore: "last-checkpoint", rateFactor, attempts } },
});

describe("a loss that is not finite", () => {
  it("ends the run with an error, and keeps what was saved", async () => {
    const { error, path, told } = await run("stop", {
      ...cliff,
      training: { onNonFinite: "stop" },
      checkpoint: { every: 5 },
    });
    expect(error).toMatchObject({ code: "training-diverged" });
    expect((await resolveCheckpoint(path)).step).toBe(10);
    expect(told.at(-1)).toMatchObject({ event: "run-ended", reason: "diverged" });
  });

  it("is skipped so many times in a row by default", async () => {
    const { error, told } = await run("skip", { ...cliff, training: { maxSkipped: 3 } });
    expect(error).toMatchObject({ code: "training-diverged", message: expect.stringContaining("3 updates in a row") });
    expect(told.filter(({ event }) => event === "step-skipped").length).toBeGreaterThanOrEqual(3);
  });

  it("takes the run back to the newest checkpoint and on at lower rates, and no reader sees a step twice", async () => {
    const { value, error, path, told } = await run("restore", {
      ...cliff,
      ...restore(1e-30),
      checkpoint: { every: 5 },
    });
    expect(error).toBeUndefined();
    expect(value).toMatchObject({ reason: "completed", progress: { step: 16, applied: 16 } });
    expect(told).toContainEqual(expect.objectContaining({ event: "run-resumed", step: 10 }));
    const warnings = told.flatMap((event) => (event.event === "warning" ? [event.source] : []));
    // What was not finite is looked into first.
    expect(warnings).toEqual(["non-finite", "recovery"]);
    const steps: number[] = [];
    for await (const event of readEvents(join(path, "events.jsonl")))
      if (event.event === "step-ended") steps.push(event.step);
    expect(steps).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(await readdir(path)).toContain("events.1.jsonl");
    const state = JSON.parse(await readFile(join(value!.checkpoint!.location, "state.json"), "utf8"));
    expect(state.divergence).toEqual({ rateFactor: 1e-30 });
    // A run that is resumed goes on at the lowered rates.
    const longer = await run("restore", { ...cliff, training: { steps: 18 } }, { resume: true });
    const rates = longer.told.flatMap((event) => (event.event === "step-ended" ? [event.rate] : []));
    expect(rates).toHaveLength(2);
    for (const rate of rates) expect(rate).toBeCloseTo(1, 5);
  });

  it("ends the run when attempts are used up, or there is nothing to go back to", async () => {
    const again = await run("again", { ...cliff, ...restore(0.99, 2), checkpoint: { every: 5 } });
    expect(again.error).toMatchObject({ message: expect.stringContaining("diverged after 2 attempts from step 10") });
    expect(again.told.filter(({ event }) => event === "run-resumed")).toHaveLength(2);
    const early = await run("early", { ...cliff, ...restore(0.99) });
    expect(early.error).toMatchObject({ message: expect.stringContaining("diverged before the first checkpoint") });
  });
});

describe("early stopping and the best checkpoint", () => {
  // At this rate nothing gets better after the first evaluation.
  const frozen = { optimization: { schedule: { kind: "constant", rate: 1e-12 } } };
  const evaluation = { every: 2, batches: 1, earlyStopping: { patience: 2, minimumDelta: 0.1 } };

  it("end the run with a final checkpoint, and keep the best one", async () => {
    const checkpoint = { every: null, keepLast: 1, keepBest: "loss" };
    const { value, told, path } = await run("early-stopped", { ...frozen, evaluation, checkpoint });
    expect(value).toMatchObject({ reason: "early-stopped", progress: { step: 6 }, checkpoint: { step: 6 } });
    const stopped = told.find(({ event }) => event === "early-stopped") as EventMap["early-stopped"];
    expect(stopped).toMatchObject({ step: 6, metric: "loss" });
    const losses = told.flatMap((event) => (event.event === "evaluation-ended" ? [event.metrics["loss"]!] : []));
    const best = 2 * (1 + losses.indexOf(Math.min(...losses)));
    expect((await resolveCheckpoint(path, "best")).step).toBe(best);
    expect((await resolveCheckpoint(path)).step).toBe(6);
    expect((await resolveCheckpoint(path, 6)).step).toBe(6);
    await expect(resolveCheckpoint(folder, "best")).rejects.toMatchObject({ code: "run-missing" });
    // Resumed, it waits on: one more evaluation that is no better ends it again.
    const resumed = await run("early-stopped", { ...frozen, evaluation, checkpoint }, { resume: true });
    expect(resumed.value).toMatchObject({ reason: "early-stopped", progress: { step: 8 } });
  });

  it("may be asked of a run that was begun without", async () => {
    await run("added", { ...frozen, training: { steps: 2 } });
    const { value } = await run("added", { ...frozen, evaluation }, { resume: true });
    expect(value).toMatchObject({ reason: "early-stopped", progress: { step: 8 } });
  });

  it.each([
    ["checkpoint.keepBest", { checkpoint: { keepBest: "los" } }],
    ["evaluation.earlyStopping.metric", { evaluation: { earlyStopping: { metric: "f1" } } }],
  ])("refuse a metric that is not measured: %s", async (where, sections) => {
    const { error, path } = await run("unmeasured", sections);
    expect(error).toMatchObject({ code: "metric-unknown", message: expect.stringContaining(`where: ${where}`) });
    await expect(readdir(path)).rejects.toThrow("ENOENT");
  });
});

describe("a budget of hours", () => {
  it("counts the hours before the interruption, by the log", async () => {
    let minute = 0;
    const now = (): number => 60_000 * minute++;
    const first = await run("hours", { training: { steps: 2 } }, { now });
    const spent = await trainedSeconds(join(first.path, "events.jsonl"));
    expect(spent).toBeGreaterThanOrEqual(120);
    expect(await trainedSeconds(join(folder, "none.jsonl"))).toBe(0);
    minute += 10_000; // a pause does not count
    const sections = { training: { steps: 9, hours: spent / 3600 } };
    const over = await run("hours", sections, { now, resume: true });
    expect(over.value).toMatchObject({ reason: "completed", progress: { step: 2 } });
    expect(over.told).toContainEqual(expect.objectContaining({ event: "warning", source: "resume" }));
    const total = await trainedSeconds(join(first.path, "events.jsonl"));
    expect(total).toBeLessThan(spent + 600);
    const more = await run("hours", { training: { steps: 3, hours: 1000 } }, { now, resume: true });
    expect(more.value).toMatchObject({ progress: { step: 3 } });
  });

  it("needs an end of the schedule's own", async () => {
    const training = { steps: undefined, hours: 1 };
    const { error } = await run("endless", { training });
    expect(error).toMatchObject({ code: "schedule-invalid", message: expect.stringContaining("its own `steps`") });
  });
});
