import { MessageChannel, Worker } from "node:worker_threads";
import { trace } from "@pipe/graph";
import { engineContract } from "@pipe/graph/testing";
import * as tf from "@pipe/graph/tf";
import { describe, expect, it } from "vitest";
import type { Port } from "./connection.ts";
import { rightSums } from "./add-rows.test.fixture.ts";
import { connectOnnxEngine, createOnnxEngine } from "./create-engine.ts";
import { definitions } from "./definitions.ts";
import { lower } from "./lower.ts";
import { type HostPort, SessionHost } from "./session-host.ts";

/** The same host that the worker runs, in this thread. */
async function inThread(threads?: number): ReturnType<typeof connectOnnxEngine> {
  const { port1, port2 } = new MessageChannel();
  SessionHost.serve(port2 as unknown as HostPort);
  const stop = async (): Promise<void> => port1.close();
  return connectOnnxEngine(port1 as unknown as Port, stop, threads === undefined ? {} : { threads });
}

describe("in this thread", () => engineContract(() => inThread(2), { describe, it, expect }));
describe("in its worker", () => engineContract(() => createOnnxEngine({ threads: 2 }), { describe, it, expect }));

const vector = { shape: [2], dtype: "float32" } as const;

describe("lower", () => {
  it("makes a model without running it; nothing is donated unless that is said", () => {
    const graph = trace(({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }), { x: vector });
    const { model, inputs, updates } = lower(graph);
    expect(model.byteLength).toBeGreaterThan(0);
    expect([inputs.map(({ path }) => path), updates]).toEqual([["x"], []]);
  });
});

describe("createOnnxEngine", () => {
  it("says what it runs on", async () => {
    const engine = await createOnnxEngine();
    expect(engine.name).toBe("onnx");
    expect(engine.device).toMatchObject({ kind: "cpu", count: 1 });
    expect(engine.device.name).toMatch(/^ONNX Runtime \d/);
    await engine[Symbol.asyncDispose]();
  });

  it("is made by its definition", async () => {
    const [definition] = definitions;
    const config = definition.schema.parse({ kind: "onnx", threads: 1 });
    const engine = await definition.create(config, undefined as never);
    expect(engine.device.threads).toBe(1);
    await engine[Symbol.asyncDispose]();
    expect(() => definition.schema.parse({ kind: "onnx", treads: 1 })).toThrow("treads");
    const all = await definition.create({ kind: "onnx" }, undefined as never);
    await all[Symbol.asyncDispose]();
  });

  it("refuses a wrong number of threads", async () => {
    await expect(createOnnxEngine({ threads: 0 })).rejects.toMatchObject({ code: "threads-invalid" });
  });

  it("says what brings a provider that is not here", async () => {
    await expect(createOnnxEngine({ provider: "cuda" })).rejects.toMatchObject({
      code: "provider-missing",
      fix: expect.stringContaining("ONNXRUNTIME_NODE_INSTALL=cuda12"),
    });
  });

  it("reports what compilation did", async () => {
    const engine = await inThread();
    const executable = await engine.compile(
      ({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => ({ c: tf.matMul(a, b, true, false), d: tf.range(0, 300_000) }),
      { a: { shape: [5, 2], dtype: "float32" }, b: { shape: [5, 3], dtype: "float32" } },
    );
    expect(executable.report).toMatchObject({
      fromCache: false,
      flops: 2 * 2 * 3 * 5,
      argumentBytes: 4 * (10 + 15 + 6 + 300_000),
      ops: { BatchMatMul: { count: 1, lowering: "native" } },
    });
    expect(executable.report.warnings[0]).toContain("constant of 1.1 MiB");
    await engine[Symbol.asyncDispose]();
  });

  it("refuses options that it does not have", async () => {
    const engine = await inThread();
    const program = ({ x }: { x: tf.Tensor }): { y: tf.Tensor } => ({ y: tf.neg(x) });
    await expect(engine.compile(program, { x: vector }, { precision: "bf16" })).rejects.toMatchObject({
      code: "precision-unsupported",
    });
    await expect(engine.compile(program, { x: vector }, { recompute: ["h.0"] })).rejects.toMatchObject({
      code: "recompute-unknown",
    });
    await engine[Symbol.asyncDispose]();
  });

  it("lets the error of a run surface in its outputs and in runs that are fed with them", async () => {
    const engine = await inThread();
    const lookup = await engine.compile(
      ({ table, ids }: { table: tf.Tensor; ids: tf.Tensor }) => ({
        row: tf.reshape(tf.gather(table, ids as tf.Tensor1D), [2]),
      }),
      { table: { shape: [2, 2], dtype: "float32" }, ids: { shape: [1], dtype: "int32" } },
    );
    const negate = await engine.compile(({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }), { x: vector });
    const { row } = await lookup.run({ table: new Float32Array(4), ids: Int32Array.of(5) });
    await expect(row.read()).rejects.toMatchObject({
      code: "engine-failed",
      message: expect.stringContaining("indices"),
    });
    const { y } = await negate.run({ x: row });
    await expect(y.read()).rejects.toMatchObject({
      code: "engine-failed",
      message: expect.stringContaining("indices"),
    });
    const good = await negate.run({ x: Float32Array.of(1, 2) });
    expect([...(await good.y.read())]).toEqual([-1, -2]);
    await engine[Symbol.asyncDispose]();
  });

  it("reads outputs that are too large to come with the run", async () => {
    const engine = await inThread();
    const executable = await engine.compile(() => ({ y: tf.fill([1000], 2) }), {});
    const { y } = await executable.run({});
    expect((await y.read()).every((v) => v === 2)).toBe(true);
    await engine[Symbol.asyncDispose]();
    await expect(executable.run({}).then((out) => out.y.read())).rejects.toMatchObject({ code: "engine-closed" });
  });

  it("may be disposed of in the middle of a run, which it waits for", async () => {
    const spec = { shape: [500, 500], dtype: "float32" } as const;
    for (let ms = 0; ms < 12; ms += 2) {
      const engine = await createOnnxEngine({ threads: 2 });
      const power = await engine.compile(
        ({ x }: { x: tf.Tensor }) => ({ y: [1, 2, 3, 4].reduce((y) => tf.matMul(y, x), x) }),
        { x: spec },
      );
      const read = (): Promise<unknown> =>
        power.run({ x: new Float32Array(250_000).fill(1e-3) }).then(({ y }) => y.read());
      const begun = Promise.allSettled([read()]);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await engine[Symbol.asyncDispose]();
      const [result] = await begun;
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "engine-closed" });
      await expect(read()).rejects.toMatchObject({ code: "engine-closed" });
    }
  });

  it("finds none and all among no flags", async () => {
    const engine = await inThread();
    const found = await engine.compile(({ x }: { x: tf.Tensor }) => ({ any: tf.any(x), all: tf.all(x) }), {
      x: { shape: [0], dtype: "bool" },
    });
    const { any, all } = await found.run({ x: new Uint8Array() });
    expect([await any.read(), await all.read()]).toEqual([Uint8Array.of(0), Uint8Array.of(1)]);
    await engine[Symbol.asyncDispose]();
  });

  it("keeps one copy of a result", async () => {
    const engine = await inThread();
    const executable = await engine.compile(() => ({ y: tf.fill([2 ** 21], 2) }), {});
    const before = process.memoryUsage().arrayBuffers;
    const { y } = await executable.run({});
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1.5 * 4 * 2 ** 21);
    expect((await y.read()).every((v) => v === 2)).toBe(true);
    await engine[Symbol.asyncDispose]();
  });

  it("gives the same bytes and holds the same memory over 1,000 steps", async () => {
    const steps = async (count: number): Promise<{ state: Float32Array; memory: unknown }> => {
      const engine = await createOnnxEngine({ threads: 2 });
      const spec = { shape: [16, 16], dtype: "float32" } as const;
      const step = await engine.compile(
        ({ w, x }: { w: tf.Tensor; x: tf.Tensor }) => {
          const { value, grads } = tf.valueAndGrads((v) => tf.mean(tf.square(tf.sub(tf.tanh(tf.matMul(v, x)), 0.5))))([
            w,
          ]);
          return { w: tf.sub(w, tf.mul(grads[0]!, 0.1)), loss: value };
        },
        { w: spec, x: spec },
        { donate: ["w"] },
      );
      let { w } = await engine.put({ w: { spec, data: Float32Array.from({ length: 256 }, (_, i) => Math.sin(i)) } });
      const x = Float32Array.from({ length: 256 }, (_, i) => Math.cos(i * i));
      let early: unknown;
      // The peak is that of the whole process.
      const held = (): object => ({ ...engine.memory(), peakBytes: undefined });
      for (let i = 0; i < count; i++) {
        const out = await step.run({ w, x });
        w = out.w;
        out.loss[Symbol.dispose]();
        if (i === 10) {
          await w.read();
          early = held();
        }
      }
      const state = (await w.read()) as Float32Array;
      const memory = [early, held()];
      await engine[Symbol.asyncDispose]();
      return { state, memory };
    };
    const [first, second] = [await steps(1000), await steps(1000)];
    expect(first.state).toEqual(second.state);
    const [early, late] = first.memory as [unknown, unknown];
    expect(late).toEqual(early);
  });

  it("loses no row of those that many ids add to one, while other threads keep the processor busy", async () => {
    const busy = [1, 2].map(() => new Worker("for (;;) {}", { eval: true }));
    const engine = await createOnnxEngine({ threads: 2 });
    try {
      expect(await rightSums(engine, 60)).toBe(60);
    } finally {
      await engine[Symbol.asyncDispose]();
      await Promise.all(busy.map((worker) => worker.terminate()));
    }
  });
});
