import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceTensor, IEngine } from "@pipe/core";
import { hostTensor, serviceTokens } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import { choose, updateSlice } from "@pipe/graph/ops";
import { engineContract } from "@pipe/graph/testing";
import * as tf from "@pipe/graph/tf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createXlaEngine, type XlaEngineOptions } from "./create-engine.ts";
import { definitions } from "./definitions.ts";

const plugin = process.env["PIPE_XLA_CPU"];
const start = (options: Omit<XlaEngineOptions, "plugin"> = {}): Promise<IEngine> =>
  createXlaEngine({ plugin: plugin!, threads: 2, ...options });
const code = (name: string): unknown => expect.objectContaining({ code: name });
const vector = { shape: [3], dtype: "float32" } as const;
const negate = ({ x }: { x: tf.Tensor }): { y: tf.Tensor } => ({ y: tf.neg(x) });

async function withEngine(body: (engine: IEngine) => Promise<void>, options?: Omit<XlaEngineOptions, "plugin">) {
  const engine = await start(options);
  try {
    await body(engine);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}

describe.skipIf(plugin === undefined)("XLA on the CPU", () => engineContract(() => start(), { describe, it, expect }));

describe.skipIf(plugin === undefined)("createXlaEngine", () => {
  it("says what it runs on", () =>
    withEngine(async ({ name, device }) => {
      expect(name).toBe("xla");
      expect(device).toMatchObject({ kind: "cpu", count: 1, threads: 2 });
      expect(device.name).toMatch(/^XLA, PJRT 0\.\d+$/);
    }));

  it("refuses devices and threads that there are not, and says what the plug-in says", async () => {
    await expect(start({ index: 7 })).rejects.toThrow(code("xla-device-missing"));
    await expect(start({ threads: 0 })).rejects.toThrow(code("threads-invalid"));
    await expect(start({ options: { no_such_option: 1 } })).rejects.toThrow(/no_such_option/);
    await withEngine(
      async (engine) => {
        await expect(engine.compile(negate, { x: vector })).rejects.toThrow(/xla_no_such_flag/);
      },
      { flags: { xla_no_such_flag: true } },
    );
  });

  it("lets NaN through minima and maxima, wherever it stands", () =>
    withEngine(async (engine) => {
      const bounds = await engine.compile(
        ({ x, y }: { x: tf.Tensor; y: tf.Tensor }) => ({
          each: tf.concat([tf.minimum(x, y), tf.maximum(x, y), tf.relu(y)]),
          all: tf.stack([tf.max(x), tf.min(x), tf.max(y), tf.min(y)]),
        }),
        { x: vector, y: vector },
      );
      const { each, all } = await bounds.run({ x: Float32Array.of(NaN, 2, 5), y: Float32Array.of(1, NaN, 3) });
      expect([...(await each.read())]).toEqual([NaN, NaN, 3, NaN, NaN, 5, 1, NaN, 3]);
      expect([...(await all.read())]).toEqual([NaN, NaN, NaN, NaN]);
    }));

  it("computes on another of several devices", () =>
    withEngine(
      async (engine) => {
        const { y } = await (await engine.compile(negate, { x: vector })).run({ x: Float32Array.of(1, 2, 3) });
        expect([...(await y.read())]).toEqual([-1, -2, -3]);
      },
      { options: { cpu_device_count: 2 }, index: 1 },
    ));

  it("is made by its definition, with a plug-in from the cache folder of the run", async () => {
    const [definition] = definitions;
    const folder = await mkdtemp(join(tmpdir(), "pipe-xla-"));
    const services = {
      has: (name: string) => name === serviceTokens.cacheFolder,
      get: async () => folder,
    } as never;
    const config = definition.schema.parse({ kind: "xla", device: plugin!, threads: 1, precision: "bf16" });
    const engine = await definition.create(config, services);
    expect(engine.device.threads).toBe(1);
    await engine.compile(negate, { x: vector });
    expect(await readdir(join(folder, "executables"))).toHaveLength(1);
    await engine[Symbol.asyncDispose]();
    await expect((async () => definition.create(definition.schema.parse({ kind: "xla" }), services))()).rejects.toThrow(
      code("xla-plugin-missing"),
    );
    expect(() => definition.schema.parse({ kind: "xla", treads: 1 })).toThrow("treads");
    const plain = definition.schema.parse({ kind: "xla", device: plugin!, cache: false });
    await (await definition.create(plain, { has: () => false } as never))[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
});

describe.skipIf(plugin === undefined)("a program on XLA", () => {
  it("computes what the lowerings of less common cases say", () =>
    withEngine(async (engine) => {
      const executable = await engine.compile(
        ({ x, i, c, r, p }: { [name: string]: tf.Tensor }) => ({
          most: tf.max(i!, 0),
          least: tf.min(i!, 1),
          any: tf.any(tf.cast(i!, "bool"), 1),
          mean: tf.mean(i!, 0),
          first: tf.argMax(x!, 1),
          columns: tf.gather(x!, tf.tensor1d([2, 0], "int32"), 1),
          stacked: tf.matMul(tf.reshape(x!, [2, 1, 3]), tf.ones([1, 3, 2])),
          chosen: choose(tf.scalar(true, "bool"), x!, tf.mul(x!, NaN)),
          cache: updateSlice(c!, r!, p!),
          infinite: tf.fill([2], -Infinity),
          flags: tf.tensor2d([1, 0, 0, 1], [2, 2], "bool"),
        }),
        {
          x: { shape: [2, 3], dtype: "float32" },
          i: { shape: [2, 3], dtype: "int32" },
          c: { shape: [2, 1, 3, 2], dtype: "float32" },
          r: { shape: [2, 1, 1, 2], dtype: "float32" },
          p: { shape: [2], dtype: "int32" },
        },
      );
      const out = (await executable.run({
        x: Float32Array.of(1, 5, 5, 7, 2, 7),
        i: Int32Array.of(-3, 0, 9, 4, 0, -1),
        c: new Float32Array(12),
        r: Float32Array.of(1, 2, 3, 4),
        // The second row stands behind the end and is left out.
        p: Int32Array.of(1, 3),
      })) as { readonly [name: string]: DeviceTensor };
      const read = async (name: string): Promise<number[]> => [...(await out[name]!.read())];
      expect(await read("most")).toEqual([4, 0, 9]);
      expect(await read("least")).toEqual([-3, -1]);
      expect(await read("any")).toEqual([1, 1]);
      expect(await read("mean")).toEqual([0.5, 0, 4]);
      expect(await read("first")).toEqual([1, 0]);
      expect(await read("columns")).toEqual([5, 1, 7, 7]);
      expect(await read("stacked")).toEqual([11, 11, 16, 16]);
      expect(await read("chosen")).toEqual([1, 5, 5, 7, 2, 7]);
      expect(await read("cache")).toEqual([0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
      expect(await read("infinite")).toEqual([-Infinity, -Infinity]);
      expect(await read("flags")).toEqual([1, 0, 0, 1]);
    }));

  it("rounds factors of products to bfloat16 on demand, by the program or for all", async () => {
    const program = ({ a, b }: { a: tf.Tensor; b: tf.Tensor }): { c: tf.Tensor } => ({ c: tf.matMul(a, b) });
    const matrix = { shape: [1, 1], dtype: "float32" } as const;
    const inputs = { a: Float32Array.of(1 + 2 ** -12), b: Float32Array.of(3) };
    const product = async (engine: IEngine, precision?: "fp32" | "bf16" | "fp16"): Promise<number> => {
      const options = precision === undefined ? {} : { precision };
      const executable = await engine.compile(program, { a: matrix, b: matrix }, options);
      return (await (await executable.run(inputs)).c.read())[0]!;
    };
    await withEngine(async (engine) => {
      expect(await product(engine)).toBe(3 * (1 + 2 ** -12));
      expect(await product(engine, "bf16")).toBe(3);
      // Eleven bits: 1 + 2⁻¹² is 1, and beyond 65,504 there is infinity alone.
      expect(await product(engine, "fp16")).toBe(3);
      inputs.b[0] = 70_000;
      expect(await product(engine, "fp16")).toBe(Infinity);
      inputs.b[0] = 3;
    });
    await withEngine(
      async (engine) => {
        expect(await product(engine)).toBe(3);
        expect(await product(engine, "fp32")).toBe(3 * (1 + 2 ** -12));
      },
      { precision: "bf16" },
    );
  });

  it("multiplies a turned factor in bfloat16 as it multiplies a straight one", () =>
    withEngine(async (engine) => {
      const specs = { a: { shape: [2, 3, 4], dtype: "float32" }, b: { shape: [2, 3, 5], dtype: "float32" } } as const;
      const compiled = await engine.compile(
        ({ a, b }: { a: tf.Tensor; b: tf.Tensor }): { c: tf.Tensor; d: tf.Tensor } => ({
          c: tf.matMul(a, b, true, false),
          d: tf.matMul(tf.add(tf.transpose(a, [0, 2, 1]), 0), b),
        }),
        specs,
        { precision: "bf16" },
      );
      const values = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 1.001);
      const { c, d } = await compiled.run({ a: values(24), b: values(30) });
      expect(await c.read()).toEqual(await d.read());
    }));

  it("plans less memory where a block is computed again", () =>
    withEngine(async (engine) => {
      const program = ({ x }: { x: tf.Tensor }): { loss: tf.Tensor; dx: tf.Tensor } => {
        const context = forwardContext({ training: true, seed: tf.zeros([2], "int32") });
        const block = (value: tf.Tensor): tf.Tensor =>
          context.block("wide", () => tf.matMul(tf.tanh(tf.tile(value, [1, 16])), tf.ones([1024, 64])));
        const { value, grads } = tf.valueAndGrads((v) => tf.sum(block(block(v!))).asScalar())([x]);
        return { loss: value, dx: grads[0]! };
      };
      const specs = { x: { shape: [64, 64], dtype: "float32" } } as const;
      const [plain, again] = [
        await engine.compile(program, specs),
        await engine.compile(program, specs, { recompute: ["wide"] }),
      ];
      const x = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i));
      const [a, b] = [await plain.run({ x }), await again.run({ x })];
      expect([...(await b.dx.read())]).toEqual([...(await a.dx.read())]);
      await expect(engine.compile(program, specs, { recompute: ["narrow"] })).rejects.toThrow(
        code("recompute-unknown"),
      );
    }));

  it("reads a tensor whole that a later run consumes", () =>
    withEngine(async (engine) => {
      const length = 2 ** 20;
      const executable = await engine.compile(
        ({ x }: { x: tf.Tensor }) => ({ x: tf.add(x, 1) }),
        { x: { shape: [length], dtype: "float32" } },
        { donate: ["x"] },
      );
      let { x } = await engine.put({ x: hostTensor([length], new Float32Array(length)) });
      const reads: Promise<ArrayLike<number>>[] = [];
      for (let i = 0; i < 20; i++) {
        reads.push(x.read());
        ({ x } = await executable.run({ x }));
      }
      for (const [i, read] of (await Promise.all(reads)).entries()) expect([read[0], read[length - 1]]).toEqual([i, i]);
    }));

  it("does not take one tensor twice where it consumes it, and keeps inputs that it may not consume", () =>
    withEngine(async (engine) => {
      const executable = await engine.compile(
        ({ a, b }: { a: tf.Tensor; b: tf.Tensor }) => ({ a: tf.add(a, b) }),
        { a: vector, b: vector },
        { donate: ["a"] },
      );
      const { a, b } = await engine.put({
        a: hostTensor([3], Float32Array.of(1, 2, 3)),
        b: hostTensor([3], Float32Array.of(1, 1, 1)),
      });
      await expect(executable.run({ a, b: a })).rejects.toThrow(code("tensor-donated"));
      const first = await executable.run({ a, b });
      const second = await executable.run({ a: first.a, b });
      expect([...(await second.a.read())]).toEqual([3, 4, 5]);
      expect([...(await b.read())]).toEqual([1, 1, 1]);
      const again = await engine.put({ x: hostTensor([3], Float32Array.of(2, 2, 2)) });
      const twice = await engine.compile(
        ({ a: left, b: right }: { a: tf.Tensor; b: tf.Tensor }) => ({ y: tf.mul(left, right) }),
        { a: vector, b: vector },
      );
      expect([...(await (await twice.run({ a: again.x, b: again.x })).y.read())]).toEqual([4, 4, 4]);
    }));

  it("ends with an error where memory is not enough, and goes on working", () =>
    withEngine(async (engine) => {
      const length = 2 ** 31 - 1;
      const huge = await engine.compile(
        ({ x }: { x: tf.Tensor }) => ({ y: tf.tile(tf.reshape(x, [1, 3]), [length, 3]) }),
        { x: vector },
      );
      const outcome = huge.run({ x: new Float32Array(3) }).then(({ y }) => y.read());
      await expect(outcome).rejects.toThrow(code("device-memory-exhausted"));
      const small = await engine.compile(negate, { x: vector });
      expect([...(await (await small.run({ x: Float32Array.of(1, 2, 3) })).y.read())]).toEqual([-1, -2, -3]);
    }));

  it("fails clearly once its engine is closed", async () => {
    const engine = await start();
    const executable = await engine.compile(negate, { x: vector });
    const { y } = await executable.run({ x: new Float32Array(3) });
    const reading = y.read();
    const compiling = engine.compile(({ x }: { x: tf.Tensor }) => ({ y: tf.tanh(x) }), { x: vector });
    const [compiled] = await Promise.allSettled([compiling, engine[Symbol.asyncDispose]()]);
    await engine[Symbol.asyncDispose]();
    expect(compiled).toMatchObject({ status: "rejected", reason: { code: "engine-closed" } });
    expect([...(await reading)]).toEqual([-0, -0, -0]);
    for (const use of [
      () => executable.run({ x: new Float32Array(3) }),
      () => engine.compile(negate, { x: vector }),
      () => engine.put({ x: hostTensor([3], new Float32Array(3)) }),
      () => engine.snapshot({ y }),
    ]) {
      await expect(use()).rejects.toThrow(code("engine-closed"));
    }
    y[Symbol.dispose]();
    await executable[Symbol.asyncDispose]();
  });

  it("gives the same bytes and holds the same memory over 1,000 steps", async () => {
    const steps = async (count: number): Promise<{ state: Float32Array; memory: unknown[] }> => {
      const engine = await start();
      const spec = { shape: [16, 16], dtype: "float32" } as const;
      const step = await engine.compile(
        ({ w, x }: { w: tf.Tensor; x: tf.Tensor }) => {
          const loss = (v: tf.Tensor): tf.Scalar => tf.mean(tf.square(tf.sub(tf.tanh(tf.matMul(v, x)), 0.5)));
          const { value, grad } = tf.valueAndGrad(loss)(w);
          return { w: tf.sub(w, tf.mul(grad, 0.1)), loss: value };
        },
        { w: spec, x: spec },
        { donate: ["w"] },
      );
      let { w } = await engine.put({ w: { spec, data: Float32Array.from({ length: 256 }, (_, i) => Math.sin(i)) } });
      const x = Float32Array.from({ length: 256 }, (_, i) => Math.cos(i * i));
      let early: unknown;
      const held = (): object => ({ ...engine.memory(), peakBytes: undefined });
      for (let i = 0; i < count; i++) {
        const out = await step.run({ w, x });
        w = out.w;
        out.loss[Symbol.dispose]();
        if (i === 10) early = held();
      }
      const state = (await w.read()) as Float32Array;
      const memory = [early, held()];
      await engine[Symbol.asyncDispose]();
      return { state, memory };
    };
    const before = process.memoryUsage.rss();
    const [first, second] = [await steps(1000), await steps(1000)];
    expect(first.state).toEqual(second.state);
    expect(first.memory[1]).toEqual(first.memory[0]);
    // 2,000 uploads of 1 KiB, 4,000 buffers and events: what was left of them would be more than noise.
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
  });
});

describe.skipIf(plugin === undefined)("compiled programs in a folder", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pipe-xla-cache-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const compile = async (cache: string, extra: Omit<XlaEngineOptions, "plugin"> = {}): Promise<boolean> => {
    let fromCache = false;
    await withEngine(
      async (engine) => {
        const executable = await engine.compile(negate, { x: vector }, { donate: ["x"] });
        ({ fromCache } = executable.report);
        const { y } = await executable.run({ x: Float32Array.of(1, 2, 3) });
        expect([...(await y.read())]).toEqual([-1, -2, -3]);
      },
      { cache, ...extra },
    );
    return fromCache;
  };

  it("are loaded by a later start of the same plug-in with the same options, and by no other", async () => {
    const cache = join(folder, "same");
    expect(await compile(cache)).toBe(false);
    expect(await compile(cache)).toBe(true);
    expect(await compile(cache, { threads: 1 })).toBe(false);
    expect(await compile(cache, { flags: { xla_cpu_enable_fast_math: true } })).toBe(false);
    expect(await readdir(cache)).toHaveLength(3);
  });

  it("are compiled again where the file is torn, damaged or no executable", async () => {
    const cache = join(folder, "torn");
    await compile(cache);
    const [name] = await readdir(cache);
    const path = join(cache, name!);
    const whole = await readFile(path);
    for (const bytes of [whole.subarray(0, whole.length - 1), whole.subarray(0, 10), Buffer.alloc(0)]) {
      await writeFile(path, bytes);
      expect(await compile(cache)).toBe(false);
      expect(await compile(cache)).toBe(true);
    }
    const { createHash } = await import("node:crypto");
    const other = Buffer.from("something else");
    await writeFile(path, Buffer.concat([createHash("sha256").update(other).digest(), other]));
    expect(await compile(cache)).toBe(false);
    expect(await compile(cache)).toBe(true);
  });

  it("are left out where the folder cannot be written", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    expect(await compile(join(file, "below"))).toBe(false);
  });

  it("make room for new ones, the longest unused first", async () => {
    const cache = join(folder, "many");
    await compile(cache);
    const [used] = await readdir(cache);
    for (let i = 0; i < 70; i++) {
      const path = join(cache, `old-${i}.xla`);
      await writeFile(path, "");
      await utimes(path, i, i);
    }
    await compile(cache, { threads: 1 });
    const left = await readdir(cache);
    expect(left).toHaveLength(64);
    expect(left).toContain(used);
    expect(left).not.toContain("old-0.xla");
  });
});
