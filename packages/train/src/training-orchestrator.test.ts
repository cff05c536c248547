import type { Cursor, IEngine, IStage, StepContext, StepReport } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DivergenceGuard } from "./divergence-guard.ts";
import { type Emitted, lineRun, memoryLoader, MemoryCheckpointer, tensorsOf } from "./run.test.fixture.ts";
import { checkpointStage } from "./stages.ts";
import { TrainingOrchestrator } from "./training-orchestrator.ts";

let engine: IEngine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

const stage = (run: (context: StepContext) => Promise<void> | void): IStage => ({
  name: "watch",
  onError: "stop",
  run: async (context) => run(context),
});

/** Step numbers of the reports that were told. */
const reported = (emitted: readonly Emitted[]): number[] =>
  emitted.flatMap(([event, data]) => (event === "step-ended" ? [data.step] : []));
const upTo = (steps: number): number[] => Array.from({ length: steps }, (_, i) => i + 1);

describe("TrainingOrchestrator", () => {
  it.each([
    [{ steps: 7 }, 7],
    [{ tokens: 17 }, 5],
    [{ epochs: 2 }, 5],
    [{ steps: 3, epochs: 9 }, 3],
  ])("ends with the budget %j after %d steps", async (budget, steps) => {
    const last: boolean[] = [];
    const stages = () => [stage(({ progress }) => void last.push(progress.last))];
    const { trainer, step, events, loader } = await lineRun(engine, budget, { stages });
    const result = await trainer.train();
    expect(result).toMatchObject({
      reason: "completed",
      progress: { step: steps, applied: steps, tokens: steps * 4, last: true },
      report: { step: steps, applied: steps, tokens: steps * 4, batchTokens: 4, accepted: true },
    });
    expect(last).toEqual(upTo(steps).map((number) => number === steps));
    expect(reported(events.emitted)).toEqual(upTo(steps));
    expect(loader).toMatchObject({ open: 0 });
    const again = await trainer.train();
    expect(again.progress.step).toBe(steps);
    expect(step.state.step).toBe(steps);
    await step[Symbol.asyncDispose]();
  });

  it("tells events in order, epochs among them", async () => {
    const { trainer, step, events } = await lineRun(engine, { steps: 6 });
    await trainer.train();
    const told = events.emitted.map(([event, data]) => {
      const { epoch, step: number } = data as { epoch: number; step: number };
      return `${event}: step ${number}, epoch ${epoch}`;
    });
    expect(told).toEqual([
      "epoch-started: step 0, epoch 0",
      "step-ended: step 1, epoch 0",
      "step-ended: step 2, epoch 0",
      "step-ended: step 3, epoch 1",
      "epoch-ended: step 3, epoch 0",
      "epoch-started: step 3, epoch 1",
      "step-ended: step 4, epoch 1",
      "step-ended: step 5, epoch 2",
      "epoch-ended: step 5, epoch 1",
      "epoch-started: step 5, epoch 2",
      "step-ended: step 6, epoch 2",
    ]);
    await step[Symbol.asyncDispose]();
  });

  it("ends with its batches where the budget is larger, and knows the last of them", async () => {
    const last: number[] = [];
    const stages = () => [stage(({ progress }) => void (progress.last && last.push(progress.step)))];
    const loader = memoryLoader({ repeat: false });
    const { trainer, step, events } = await lineRun(engine, { steps: 99 }, { stages, loader });
    const result = await trainer.train();
    // The last batch has two of four rows: the others weigh nothing.
    expect(result).toMatchObject({ reason: "completed", progress: { step: 3, tokens: 10, last: true } });
    expect(result.report).toMatchObject({ step: 3, batchTokens: 2 });
    expect(last).toEqual([3]);
    expect(events.emitted.at(-1)).toEqual(["epoch-ended", { epoch: 0, step: 3 }]);
    await step[Symbol.asyncDispose]();
  });

  it("tells and yields every report once, whichever stages drain", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), async (drains) => {
        const drained: StepReport[] = [];
        const stages = () => [
          stage(async ({ progress, drain }) => void (drains[progress.step - 1]! && drained.push(await drain()))),
          stage(async ({ progress, drain }) => void (drains[progress.step - 1]! && drained.push(await drain()))),
        ];
        const { trainer, step, events } = await lineRun(engine, { steps: drains.length }, { stages });
        const yielded: StepReport[] = [];
        for await (const report of trainer.steps()) yielded.push(report);
        expect(yielded.map(({ step: number }) => number)).toEqual(upTo(drains.length));
        expect(reported(events.emitted)).toEqual(upTo(drains.length));
        const due = upTo(drains.length).filter((number) => drains[number - 1]!);
        expect(drained.map(({ step: number }) => number)).toEqual(due.flatMap((number) => [number, number]));
        for (const report of drained) expect(yielded).toContain(report);
        await step[Symbol.asyncDispose]();
      }),
      { numRuns: 8 },
    );
  });

  it("lends stages the state of their step, and after drain() its report and progress", async () => {
    const seen: unknown[] = [];
    const stages = () => [
      stage(async (context) => {
        const { state, batch, report } = context;
        const early = [state.step, batch.cursor, report?.step, context.progress.applied];
        const made = await context.drain();
        seen.push([early, [made === context.report, context.report!.step, context.progress.applied]]);
        const copy = await tensorsOf(await context.snapshot());
        expect(copy.map(({ path }) => path)).toContain("slots/average/w");
      }),
    ];
    const { trainer, step } = await lineRun(engine, { steps: 2 }, { stages });
    await trainer.train();
    expect(seen).toEqual([
      [
        [1, 4, undefined, 0],
        [true, 1, 1],
      ],
      [
        [2, 8, 1, 1],
        [true, 2, 2],
      ],
    ]);
    await step[Symbol.asyncDispose]();
  });

  it("finishes the step when it is aborted, runs its stages as the last ones, and can go on later", async () => {
    const abort = new AbortController();
    const last: number[] = [];
    const stages = () => [
      stage(({ progress, signal, interrupted }) => {
        if (progress.last) last.push(progress.step);
        expect(interrupted).toBe(progress.step === 3);
        expect(signal).toBeInstanceOf(AbortSignal);
      }),
    ];
    const { trainer, step, events } = await lineRun(engine, { steps: 8 }, { stages });
    events.on("step-ended", ({ step: number }) => number === 2 && abort.abort());
    const result = await trainer.train({ signal: abort.signal });
    expect(result).toMatchObject({ reason: "aborted", progress: { step: 3, last: true }, report: { step: 3 } });
    expect(last).toEqual([3]);
    expect(await trainer.train({ signal: abort.signal })).toMatchObject({ reason: "aborted", progress: { step: 3 } });
    expect(await trainer.train()).toMatchObject({ reason: "completed", progress: { step: 8 } });
    expect(reported(events.emitted)).toEqual(upTo(8));
    await step[Symbol.asyncDispose]();
  });

  it("is completed when the abort comes with the last step", async () => {
    const abort = new AbortController();
    const last: boolean[] = [];
    const stages = () => [stage(() => abort.abort()), stage(({ interrupted }) => void last.push(interrupted))];
    const { trainer, step } = await lineRun(engine, { steps: 1 }, { stages });
    expect((await trainer.train({ signal: abort.signal })).reason).toBe("completed");
    expect(last).toEqual([false]);
    await step[Symbol.asyncDispose]();
  });

  it("may be left after any report, and goes on with the next batch", async () => {
    const whole = await lineRun(engine, { steps: 9 });
    await whole.trainer.train();
    const parts = await lineRun(engine, { steps: 9 });
    const numbers: number[] = [];
    for (const until of [1, 4, 5, Infinity]) {
      for await (const { step: number } of parts.trainer.steps()) {
        numbers.push(number);
        if (number === until) break;
      }
      expect(parts.loader).toMatchObject({ open: 0 });
    }
    expect(numbers).toEqual(upTo(9));
    expect(await tensorsOf(await parts.step.snapshot())).toEqual(await tensorsOf(await whole.step.snapshot()));
    await whole.step[Symbol.asyncDispose]();
    await parts.step[Symbol.asyncDispose]();
  });

  /** A loader whose batches that end at these rows hold no numbers. */
  function spoiltLoader(isSpoilt: (cursor: number) => boolean) {
    const good = memoryLoader();
    return {
      ...good,
      async *batches(from?: Cursor) {
        for await (const batch of good.batches(from)) {
          const spoilt = { ...batch.arrays, y: new Float32Array(4).fill(Number.NaN) };
          yield isSpoilt(batch.cursor as number) ? { ...batch, arrays: spoilt } : batch;
        }
      },
    };
  }

  it("says which step was skipped", async () => {
    const loader = spoiltLoader((cursor) => cursor === 8);
    const { trainer, step, events } = await lineRun(engine, { steps: 3 }, { loader });
    const { progress } = await trainer.train();
    expect(progress).toMatchObject({ step: 3, applied: 2 });
    const skipped = events.emitted.filter(([event]) => event === "step-skipped");
    expect(skipped).toMatchObject([["step-skipped", { step: 2 }]]);
    await step[Symbol.asyncDispose]();
  });

  it("ends with an error where every update is refused, and stores nothing", async () => {
    const checkpointer = new MemoryCheckpointer();
    const stages = ({ metadata }: Pick<Parameters<typeof checkpointStage>[0], "metadata">) => [
      checkpointStage({ trigger: { due: ({ last }) => last }, checkpointer, metadata }),
    ];
    const loader = spoiltLoader(() => true);
    const { trainer, step } = await lineRun(engine, { steps: 3 }, { loader, stages, guard: new DivergenceGuard() });
    await expect(trainer.train()).rejects.toThrow(
      expect.objectContaining({
        code: "training-diverged",
        message: expect.stringMatching(/every update was refused[^]*loss NaN[^]*step 3/),
      }) as Error,
    );
    expect(checkpointer.stored.size).toBe(0);
    await step[Symbol.asyncDispose]();
  });

  it("ends after so many refused updates in a row, goes on before that, and can be taken up at lower rates", async () => {
    const checkpointer = new MemoryCheckpointer();
    const stages = ({ metadata }: Pick<Parameters<typeof checkpointStage>[0], "metadata">) => [
      checkpointStage({ trigger: { due: ({ step: number }) => number === 4 }, checkpointer, metadata }),
    ];
    let isSpoilt = (cursor: number): boolean => cursor === 8 || cursor > 20;
    const loader = spoiltLoader((cursor) => isSpoilt(cursor));
    const guard = new DivergenceGuard({ limit: 2 });
    const run = await lineRun(engine, { steps: 9 }, { loader, stages, checkpointer, guard });
    await expect(run.trainer.train()).rejects.toThrow("2 updates in a row were refused");
    expect(loader.open).toBe(0);
    isSpoilt = () => false;
    await run.trainer.resume({ step: 4, location: "memory:4" });
    expect(guard.capture()).toEqual({ rateFactor: 1 });
    guard.rateFactor = 0.5;
    const { report, progress } = await run.trainer.train();
    expect(progress).toMatchObject({ step: 9, applied: 8 });
    expect(report!.rate).toBeCloseTo((0.5 * 0.5) / (1 + 0.1 * 7), 6);
    await run.step[Symbol.asyncDispose]();
  });

  it("ends with the step in which a stage stops it, whose later stages are the last ones", async () => {
    const last: [string, number][] = [];
    const stages = () => [
      stage(({ progress, stop }) => {
        if (progress.step >= 3) stop("early-stopped");
      }),
      stage(({ progress }) => void (progress.last && last.push(["later", progress.step]))),
    ];
    const { trainer, step } = await lineRun(engine, { steps: 9 }, { stages });
    expect(await trainer.train()).toMatchObject({ reason: "early-stopped", progress: { step: 3, last: true } });
    expect(last).toEqual([["later", 3]]);
    await step[Symbol.asyncDispose]();
    const ended = await lineRun(engine, { steps: 3 }, { stages });
    expect(await ended.trainer.train()).toMatchObject({ reason: "completed", progress: { step: 3 } });
    await ended.step[Symbol.asyncDispose]();
  });

  it("ends with the same bytes after N + M steps at once and after N steps, resume, M steps", async () => {
    const checkpointer = new MemoryCheckpointer();
    const stages = ({ metadata }: Pick<Parameters<typeof checkpointStage>[0], "metadata">) => [
      checkpointStage({ trigger: { due: ({ step: number }) => number === 4 }, checkpointer, metadata }),
    ];
    const whole = await lineRun(engine, { steps: 11 }, { stages });
    const { report } = await whole.trainer.train();
    const resumed = await lineRun(engine, { steps: 11 }, { checkpointer });
    await resumed.trainer.resume({ step: 4, location: "memory:4" });
    expect(resumed.events.emitted).toEqual([["run-resumed", { step: 4, checkpoint: "memory:4" }]]);
    expect((await resumed.trainer.train()).report).toEqual(report);
    expect(reported(resumed.events.emitted)).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(await tensorsOf(await resumed.step.snapshot())).toEqual(await tensorsOf(await whole.step.snapshot()));
    await whole.step[Symbol.asyncDispose]();
    await resumed.step[Symbol.asyncDispose]();
    expect(engine.memory().tensors).toBe(0);
  });

  it("cannot resume without a checkpointer, or without a way to put the parts back", async () => {
    const { trainer, step, parts } = await lineRun(engine, { steps: 1 });
    const ref = { step: 4, location: "memory:4" };
    await expect(trainer.resume(ref)).rejects.toMatchObject({ code: "resume-impossible" });
    const { restore: _, ...rest } = parts;
    const other = new TrainingOrchestrator({ ...rest, checkpointer: new MemoryCheckpointer() });
    await expect(other.resume(ref)).rejects.toMatchObject({ code: "resume-impossible" });
    await step[Symbol.asyncDispose]();
  });

  it("captures where the data stands", async () => {
    const { trainer, step } = await lineRun(engine, { steps: 2 });
    expect([trainer.key, trainer.capture()]).toEqual(["data", null]);
    await trainer.train();
    expect(trainer.capture()).toBe(8);
    trainer.restore(null);
    expect(trainer.capture()).toBeNull();
    await step[Symbol.asyncDispose]();
  });
});
