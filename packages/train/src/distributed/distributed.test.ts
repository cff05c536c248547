import type { IEngine, IStage } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineRun, memoryLoader, tensorsOf } from "../run.test.fixture.ts";
import { anyOf, type DistributedContext, fromMain, singleProcess } from "./distributed-context.ts";
import { contextOf, joinMpi } from "./mpi-context.ts";
import { processGroup } from "./process-group.test.fixture.ts";

let engine: IEngine;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
});
afterAll(() => engine[Symbol.asyncDispose]());

type Trained = {
  readonly reason: string;
  readonly step: number;
  readonly losses: readonly number[];
  readonly weights: readonly number[];
};

/** Trains the line model as one process of a group. */
async function trainAs(
  distributed: DistributedContext,
  options: {
    readonly stage?: IStage;
    readonly signal?: AbortSignal;
    readonly accumulate?: number;
    readonly steps?: number;
  } = {},
): Promise<Trained> {
  const { stage, signal, accumulate = 1, steps = 12 } = options;
  const run = await lineRun(
    engine,
    { steps },
    {
      loader: memoryLoader({ batch: 8 }),
      distributed: { distributed, accumulate },
      ...(stage === undefined ? {} : { stages: () => [stage] }),
    },
  );
  const result = await run.trainer.train(signal === undefined ? {} : { signal });
  const losses = run.events.emitted.flatMap(([event, data]) => (event === "step-ended" ? [data.loss] : []));
  const tensors = await tensorsOf(await run.step.snapshot());
  const weights = tensors.flatMap(({ spec, bytes }) =>
    spec.dtype === "float32" ? [...new Float32Array(bytes.buffer)] : [],
  );
  await run.step[Symbol.asyncDispose]();
  return { reason: result.reason, step: result.progress.step, losses, weights };
}

const close = (got: readonly number[], expected: readonly number[]): void => {
  expect(got.length).toBe(expected.length);
  got.forEach((x, i) => expect(Math.abs(x - expected[i]!)).toBeLessThan(1e-5 * (1 + Math.abs(expected[i]!))));
};

describe("training by several processes", () => {
  it.each([2, 3, 4, 8])("%d make the updates that one makes, all the same", async (world) => {
    const alone = await trainAs(singleProcess);
    const together = await Promise.all(processGroup(world).map((context) => trainAs(context)));
    for (const each of together) {
      close(each.losses, alone.losses);
      close(each.weights, alone.weights);
      expect(each.weights).toEqual(together[0]!.weights);
    }
  });

  it("accumulates in each process too", async () => {
    const alone = await trainAs(singleProcess, { accumulate: 4 });
    const together = await Promise.all(processGroup(2).map((context) => trainAs(context, { accumulate: 2 })));
    expect(together[1]!.weights).toEqual(together[0]!.weights);
    close(together[0]!.weights, alone.weights);
  });

  it("refuses more processes than rows", async () => {
    const contexts = processGroup(9);
    await expect(trainAs(contexts[0]!)).rejects.toMatchObject({
      code: "accumulate-invalid",
      message: expect.stringContaining("9 processes"),
    });
  });

  it("ends everywhere where one is interrupted or stops", async () => {
    const controller = new AbortController();
    const [first, second] = processGroup(2) as [DistributedContext, DistributedContext];
    const abort: IStage = {
      name: "abort",
      onError: "stop",
      run: async ({ progress }) => void (progress.step === 3 && controller.abort()),
    };
    const aborted = await Promise.all([trainAs(first), trainAs(second, { stage: abort, signal: controller.signal })]);
    expect(aborted.map(({ reason, step }) => [reason, step])).toEqual([
      ["aborted", 4],
      ["aborted", 4],
    ]);
    const stop: IStage = {
      name: "stop",
      onError: "stop",
      run: async ({ progress, stop: end }) => void (progress.step === 5 && end("early-stopped")),
    };
    const [main, other] = processGroup(2) as [DistributedContext, DistributedContext];
    const stopped = await Promise.all([trainAs(main, { stage: stop }), trainAs(other)]);
    expect(stopped.map(({ step }) => step)).toEqual([5, 5]);
  });
});

describe("what processes agree on", () => {
  it("is whether any has a flag set, and what the main one says", async () => {
    const group = processGroup(3);
    const flags = await Promise.all(group.map((context, i) => anyOf(context, i === 1, false)));
    expect(flags).toEqual(Array(3).fill([true, false]));
    expect(await anyOf(singleProcess, true, false)).toEqual([true, false]);
    const texts = await Promise.all(group.map((context, i) => fromMain(context, `läuft-${i}`)));
    expect(texts).toEqual(Array(3).fill("läuft-0"));
    expect(await fromMain(singleProcess, "x")).toBe("x");
    await Promise.all([
      ...group.map((context) => context.barrier()),
      singleProcess.barrier(),
      singleProcess.sum(new Float32Array(1)),
    ]);
    await singleProcess[Symbol.asyncDispose]();
  });
});

describe("joinMpi", () => {
  it("says what is missing and how to get it", async () => {
    await expect(joinMpi({ library: "/nowhere/libmpi.so" })).rejects.toMatchObject({
      code: "mpi-missing",
      fix: expect.stringContaining("mpich"),
    });
  });

  it("tells a lost process from success, and does not wait for it at the end", async () => {
    let finalized = 0;
    let code = 0;
    const library = {
      version: "MPICH",
      rank: 1,
      world: 2,
      sum: () => Promise.resolve(code),
      barrier: () => Promise.resolve(code),
      explain: (error: number) => `error ${error}`,
      finalize: () => void finalized++,
    };
    const context = contextOf(library);
    await context.sum(new Float32Array(3));
    await context.barrier();
    await context[Symbol.asyncDispose]();
    expect([context.rank, context.isMain, finalized]).toEqual([1, false, 1]);
    code = 15;
    const broken = contextOf(library);
    await expect(broken.sum(new Float32Array(3))).rejects.toMatchObject({
      code: "peer-lost",
      message: expect.stringMatching(/error 15[^]*rank 1 of 2/),
      fix: expect.stringContaining("--resume"),
    });
    await broken[Symbol.asyncDispose]();
    expect(finalized).toBe(1);
  });
});
