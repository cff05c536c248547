import type { Cursor, EvaluationReport, EventMap, IEngine, IEvaluator, IStage, ITrigger } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineRun, memoryLoader, MemoryCheckpointer, tensorsOf } from "./run.test.fixture.ts";
import { nonFiniteStage, type NonFiniteStageOptions } from "./non-finite-stage.ts";
import { checkpointStage, evaluationStage, sampleStage } from "./stages.ts";

let engine: IEngine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

const everyTwo: ITrigger = { due: ({ step, last }) => last || step % 2 === 0 };
const heldOut = () => memoryLoader({ repeat: false }).batches();

/** Reads the parameters back and counts rows: a real, if small, measure of a model. */
const meanWeight: IEvaluator = {
  evaluate: async (
    { step, params },
    batches,
    { batches: limit = Infinity, signal } = {},
  ): Promise<EvaluationReport> => {
    const w = await params["w"]!.read();
    let [tokens, count] = [0, 0];
    for await (const batch of batches) {
      signal?.throwIfAborted();
      tokens += batch.tokens;
      if (++count >= limit) break;
    }
    return { step, metrics: { weight: (w[0]! + w[1]!) / 2 }, tokens, batches: count };
  },
};

/** A stage with the policy that fails in its first `failures` runs. */
const flaky = (onError: IStage["onError"], failures: number): IStage & { runs: number } => ({
  name: "flaky",
  onError,
  runs: 0,
  async run() {
    if (this.runs++ < failures) throw new Error("The disk is full.");
  },
});

describe("checkpoints and refused updates", () => {
  it("are saved after the next step whose update is not refused", async () => {
    const checkpointer = new MemoryCheckpointer();
    const good = memoryLoader();
    const loader = {
      ...good,
      async *batches() {
        for await (const batch of good.batches()) {
          const spoilt = { ...batch.arrays, y: new Float32Array(4).fill(Number.NaN) };
          yield [8, 12].includes(batch.cursor as number) ? { ...batch, arrays: spoilt } : batch;
        }
      },
    };
    const stages = ({ metadata }: Pick<Parameters<typeof checkpointStage>[0], "metadata">) => [
      checkpointStage({
        trigger: { due: ({ step: number }) => number % 2 === 0 && number < 6 },
        checkpointer,
        metadata,
      }),
    ];
    const { trainer, step } = await lineRun(engine, { steps: 7 }, { loader, stages });
    await trainer.train();
    expect([...checkpointer.stored.keys()]).toEqual([4]);
    await step[Symbol.asyncDispose]();
  });
});

describe("policies of stages", () => {
  it("stop: the run fails with the stage's error, and later stages do not run", async () => {
    const [first, later] = [flaky("stop", 1), flaky("stop", 0)];
    const { trainer, step } = await lineRun(engine, { steps: 3 }, { stages: () => [first, later] });
    await expect(trainer.train()).rejects.toThrow("The disk is full.");
    expect([first.runs, later.runs, step.state.step]).toEqual([1, 0, 1]);
    await step[Symbol.asyncDispose]();
  });

  it("warn: the run goes on and says so", async () => {
    const [first, later] = [flaky("warn", 2), flaky("stop", 0)];
    const { trainer, step, events } = await lineRun(engine, { steps: 3 }, { stages: () => [first, later] });
    expect((await trainer.train()).reason).toBe("completed");
    expect([first.runs, later.runs]).toEqual([3, 3]);
    const warnings = events.emitted.filter(([event]) => event === "warning");
    expect(warnings).toEqual(Array(2).fill(["warning", { source: "flaky", message: "The disk is full." }]));
    await step[Symbol.asyncDispose]();
  });

  it.each([
    [2, 3, undefined],
    [3, 3, "The disk is full."],
  ])("retries: after %d failures it ran %d times, error: %s", async (failures, runs, error) => {
    const stage = flaky({ retries: 2 }, failures);
    const { trainer, step, events } = await lineRun(engine, { steps: 1 }, { stages: () => [stage] });
    if (error === undefined) await trainer.train();
    else await expect(trainer.train()).rejects.toThrow(error);
    expect(stage.runs).toBe(runs);
    const messages = events.emitted.flatMap(([event, data]) => (event === "warning" ? [data.message] : []));
    expect(messages).toEqual([1, 2].map((attempt) => `The disk is full. (attempt ${attempt} of 3)`));
    await step[Symbol.asyncDispose]();
  });
});

describe("evaluationStage", () => {
  it("measures the state of its step, when due, after the step's report", async () => {
    const stages = () => [evaluationStage({ trigger: everyTwo, evaluator: meanWeight, batches: heldOut })];
    const { trainer, step, events } = await lineRun(engine, { steps: 5 }, { stages });
    await trainer.train();
    const seen = events.emitted.flatMap(([event, data]) =>
      event === "step-ended" || event === "evaluation-ended" ? [`${event} ${data.step}`] : [],
    );
    const [steps, evaluations] = ["step-ended", "evaluation-ended"];
    expect(seen).toEqual([
      `${steps} 1`,
      `${steps} 2`,
      `${evaluations} 2`,
      `${steps} 3`,
      `${steps} 4`,
      `${evaluations} 4`,
      `${steps} 5`,
      `${evaluations} 5`,
    ]);
    const w = await step.state.params["w"]!.read();
    const ended = events.emitted.flatMap(([event, data]) => (event === "evaluation-ended" ? [data] : []));
    expect(ended.at(-1)).toMatchObject({ metrics: { weight: (w[0]! + w[1]!) / 2 }, tokens: 10 });
    expect(ended.at(-1)!.seconds).toBeGreaterThanOrEqual(0);
    await step[Symbol.asyncDispose]();
  });

  it("reads no more batches than its limit", async () => {
    const stages = () => [evaluationStage({ trigger: everyTwo, evaluator: meanWeight, batches: heldOut, limit: 2 })];
    const { trainer, step, events } = await lineRun(engine, { steps: 1 }, { stages });
    await trainer.train();
    expect(events.emitted.at(-1)).toMatchObject(["evaluation-ended", { tokens: 8 }]);
    await step[Symbol.asyncDispose]();
  });

  it("is cut short by an abort; the run then takes its last step and ends without another one", async () => {
    const abort = new AbortController();
    async function* interrupted() {
      for await (const batch of heldOut()) {
        yield batch;
        abort.abort();
      }
    }
    const stages = () => [evaluationStage({ trigger: everyTwo, evaluator: meanWeight, batches: interrupted })];
    const { trainer, step, events } = await lineRun(engine, { steps: 9 }, { stages });
    const { reason, progress } = await trainer.train({ signal: abort.signal });
    expect([reason, progress.step]).toEqual(["aborted", 3]);
    expect(events.emitted.map(([event]) => event)).not.toContain("evaluation-ended");
    await step[Symbol.asyncDispose]();
  });

  it("fails with its evaluator", async () => {
    const evaluator: IEvaluator = { evaluate: () => Promise.reject(new Error("There is nothing to evaluate on.")) };
    const stages = () => [evaluationStage({ trigger: everyTwo, evaluator, batches: heldOut })];
    const { trainer, step } = await lineRun(engine, { steps: 2 }, { stages });
    await expect(trainer.train()).rejects.toThrow("nothing to evaluate on");
    await step[Symbol.asyncDispose]();
  });
});

describe("sampleStage", () => {
  it("tells what the model wrote, when due", async () => {
    const generate = async ({ step }: { step: number }, prompt: string): Promise<string> => `${prompt}${step}`;
    const stages = () => [sampleStage({ trigger: everyTwo, prompt: "step ", generate })];
    const { trainer, step, events } = await lineRun(engine, { steps: 3 }, { stages });
    await trainer.train();
    expect(events.emitted.filter(([event]) => event === "sample-generated")).toEqual([
      ["sample-generated", { step: 2, prompt: "step ", text: "step 2" }],
      ["sample-generated", { step: 3, prompt: "step ", text: "step 3" }],
    ]);
    await step[Symbol.asyncDispose]();
  });
});

describe("checkpointStage", () => {
  it("stores exactly the state of its step and keeps the newest two", async () => {
    const checkpointer = new MemoryCheckpointer();
    const { trainer, step, events } = await lineRun(
      engine,
      { steps: 7 },
      {
        stages: ({ metadata }) => [
          checkpointStage({ trigger: everyTwo, checkpointer, metadata, surplus: (stored) => stored.slice(0, -2) }),
        ],
      },
    );
    await trainer.train();
    expect([...checkpointer.stored.keys()]).toEqual([6, 7]);
    const { metadata, tensors } = checkpointer.stored.get(7)!;
    expect(metadata.state).toMatchObject({
      step: 7,
      progress: { step: 7, applied: 7, tokens: 28, epoch: 2 },
      data: 28,
    });
    expect(tensors).toEqual(await tensorsOf(await step.snapshot()));
    const saved = events.emitted.flatMap(([event, data]) => (event === "checkpoint-saved" ? [data.location] : []));
    expect(saved).toEqual([2, 4, 6, 7].map((number) => `memory:${number}`));
    await step[Symbol.asyncDispose]();
    expect(engine.memory().tensors).toBe(0);
  });

  it("tries once more, then stops the run", async () => {
    const checkpointer = new MemoryCheckpointer();
    checkpointer.failures = 1;
    const stages = ({ metadata }: Pick<Parameters<typeof checkpointStage>[0], "metadata">) => [
      checkpointStage({ trigger: everyTwo, checkpointer, metadata }),
    ];
    const { trainer, step, events } = await lineRun(engine, { steps: 4 }, { stages });
    await trainer.train();
    const outcome = (): string[] =>
      events.emitted.map(([event]) => event).filter((event) => event.startsWith("checkpoint"));
    expect(outcome()).toEqual(["checkpoint-failed", "checkpoint-saved", "checkpoint-saved"]);
    await step[Symbol.asyncDispose]();

    checkpointer.failures = 2;
    const other = await lineRun(engine, { steps: 4 }, { stages });
    await expect(other.trainer.train()).rejects.toMatchObject({ code: "checkpoint-failed" });
    await other.step[Symbol.asyncDispose]();
  });

  it("warns of a checkpoint that cannot be removed, and saves once", async () => {
    const checkpointer = new MemoryCheckpointer();
    const { trainer, step, events } = await lineRun(
      engine,
      { steps: 1 },
      {
        stages: ({ metadata }) => [
          checkpointStage({
            trigger: everyTwo,
            checkpointer,
            metadata,
            surplus: () => [{ step: 99, location: "memory:99" }],
          }),
        ],
      },
    );
    await trainer.train();
    expect(events.emitted.slice(-2)).toMatchObject([
      ["checkpoint-saved", { step: 1 }],
      ["warning", { source: "checkpoint", message: "There is no such checkpoint." }],
    ]);
    await step[Symbol.asyncDispose]();
  });
});

describe("evaluationStage's reports", () => {
  it("may end the run, and its last stages see the end", async () => {
    const seen: number[] = [];
    const checkpointer = new MemoryCheckpointer();
    const stages = ({ metadata }: Pick<Parameters<typeof checkpointStage>[0], "metadata">) => [
      evaluationStage({
        trigger: everyTwo,
        evaluator: meanWeight,
        batches: heldOut,
        onReport: ({ step: number, metrics }, { stop }) => {
          expect(metrics).toHaveProperty("weight");
          seen.push(number);
          if (number === 4) stop("early-stopped");
        },
      }),
      checkpointStage({ trigger: { due: ({ last }) => last }, checkpointer, metadata }),
    ];
    const { trainer, step } = await lineRun(engine, { steps: 99 }, { stages });
    expect((await trainer.train()).reason).toBe("early-stopped");
    expect([seen, [...checkpointer.stored.keys()]]).toEqual([[2, 4], [4]]);
    await step[Symbol.asyncDispose]();
  });
});

describe("nonFiniteStage", () => {
  /** Rows in which the targets of some batches (from 1) are infinite. */
  const poisoned = (...bad: readonly number[]) => {
    const loader = memoryLoader({ rows: 8 });
    return {
      ...loader,
      async *batches(from?: Cursor) {
        let number = 0;
        for await (const batch of loader.batches(from)) {
          const y = (batch.arrays["y"] as Float32Array).map((value) => (bad.includes(number + 1) ? Infinity : value));
          number++;
          yield { ...batch, arrays: { ...batch.arrays, y } };
        }
      },
    };
  };
  /** Warnings of runs one after the other under one stage, each with bad batches of its own. */
  const warningsOfRuns = async (
    steps: number,
    runs: readonly (readonly number[])[],
    limit?: number,
  ): Promise<readonly string[]> => {
    let run: Awaited<ReturnType<typeof lineRun>>;
    const find: NonFiniteStageOptions["find"] = (arrays, step) =>
      run.step.findNonFinite(run.parts.batches.process(arrays), step);
    const stage = nonFiniteStage({ find, ...(limit === undefined ? {} : { limit }) });
    const warnings: string[] = [];
    for (const bad of runs) {
      run = await lineRun(engine, { steps }, { loader: poisoned(...bad), stages: () => [stage] });
      await run.trainer.train();
      await run.step[Symbol.asyncDispose]();
      for (const [event, data] of run.events.emitted)
        if (event === "warning") warnings.push((data as EventMap["warning"]).message);
    }
    return warnings;
  };
  const warningsOf = (steps: number, bad: readonly number[], limit?: number): Promise<readonly string[]> =>
    warningsOfRuns(steps, [bad], limit);

  it("names what failed first, in the middle and in the last step, and each step once", async () => {
    const found = "batch/y was not finite before the step. Not finite is the gradient of w, b.";
    expect(await warningsOf(6, [3, 6])).toEqual([`Step 3 was skipped. ${found}`, `Step 6 was skipped. ${found}`]);
    expect(await warningsOf(4, [])).toEqual([]);
  });

  it("looks into the same step and earlier ones again where training has gone back", async () => {
    const steps = (await warningsOfRuns(6, [[4], [4], [2]])).map((warning) => /^Step \d/.exec(warning)?.[0]);
    expect(steps).toEqual(["Step 4", "Step 4", "Step 2"]);
  });

  it("lets a loss scale seek its size by steps whose loss is finite", async () => {
    const found: number[] = [];
    const find = (_: unknown, step: number): Promise<undefined> => Promise.resolve(void found.push(step + 1));
    const stage = nonFiniteStage({ find, patience: 2 });
    const reports = [1, 2, 3, 4].map((step) => ({ step, accepted: false, loss: step === 4 ? Number.NaN : 2 }));
    for (const report of [...reports.slice(0, 3), { step: 4, accepted: true, loss: 2 }, { ...reports[3]!, step: 5 }]) {
      const progress = { step: report.step, last: false };
      const context = {
        progress,
        report,
        batch: { arrays: {} },
        drain: () => Promise.resolve(),
        events: { emit: () => undefined },
      };
      await stage.run(context as never);
    }
    expect(found).toEqual([3, 5]);
  });

  it("looks no more often than it may", async () => {
    expect(await warningsOf(7, [2, 3, 4, 5, 6])).toHaveLength(3);
    expect(await warningsOf(5, [2, 4], 1)).toHaveLength(1);
  });
});
