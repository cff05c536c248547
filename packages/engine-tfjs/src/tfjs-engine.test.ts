import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostTensor } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import { engineContract } from "@pipe/graph/testing";
import * as tf from "@pipe/graph/tf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTfjsEngine } from "./create-engine.ts";
import { definitions } from "./definitions.ts";

describe("on plain JavaScript", () => engineContract(() => createTfjsEngine(), { describe, it, expect }));
describe("on WebAssembly", () => engineContract(() => createTfjsEngine({ backend: "wasm" }), { describe, it, expect }));

const vector = { shape: [2], dtype: "float32" } as const;

describe("createTfjsEngine", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pipe-tfjs-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("says what it runs on", async () => {
    const engine = await createTfjsEngine({ backend: "wasm" });
    expect(engine.name).toBe("tfjs");
    expect(engine.device).toMatchObject({
      kind: "cpu",
      count: 1,
      name: expect.stringMatching(/^tfjs 4\.\d+\.\d+ wasm$/),
    });
    await engine[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  it("is made by its definition", async () => {
    const [definition] = definitions;
    const engine = await definition.create(definition.schema.parse({ kind: "tfjs" }), undefined as never);
    expect(engine.device.name).toContain("cpu");
    await engine[Symbol.asyncDispose]();
    expect(() => definition.schema.parse({ kind: "tfjs", backend: "metal" })).toThrow("wasm");
  });

  it("names the package that is missing and the command that brings it", async () => {
    await expect(createTfjsEngine({ backend: "webgpu" })).rejects.toMatchObject({
      code: "engine-missing",
      fix: "npm install @tensorflow/tfjs-backend-webgpu",
    });
  });

  it("says why a package does not load", async () => {
    const module = join(folder, "tfjs-node");
    await mkdir(module);
    await writeFile(join(module, "index.js"), 'throw new Error("libtensorflow.so.2: cannot open shared object file");');
    await expect(createTfjsEngine({ backend: "node", module })).rejects.toMatchObject({
      code: "engine-missing",
      message: expect.stringContaining("libtensorflow.so.2: cannot open"),
      fix: expect.stringContaining("npm rebuild @tensorflow/tfjs-node"),
    });
  });

  it("refuses a backend that cannot start", async () => {
    const module = join(folder, "webgpu");
    await mkdir(module);
    await writeFile(join(module, "index.js"), "// registers nothing");
    await expect(createTfjsEngine({ backend: "webgpu", module })).rejects.toMatchObject({
      code: "engine-missing",
      message: expect.stringContaining("cannot start"),
    });
  });

  it("leaves the backend in use as it was", async () => {
    await tf.setBackend("cpu");
    const engine = await createTfjsEngine({ backend: "wasm" });
    expect(tf.getBackend()).toBe("cpu");
    const program = await engine.compile(({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }), { x: vector });
    await program.run({ x: Float32Array.of(1, 2) });
    expect(tf.getBackend()).toBe("cpu");
    await engine[Symbol.asyncDispose]();
  });

  it("leaves no tensor in tfjs when it is disposed", async () => {
    const before = tf.memory().numTensors;
    const engine = await createTfjsEngine({ backend: "wasm" });
    const step = await engine.compile(
      ({ state, x }: { state: { w: tf.Tensor }; x: tf.Tensor }) => ({
        state: { w: tf.add(state.w, x) },
        sum: tf.sum(x),
      }),
      { state: { w: vector }, x: vector },
      { donate: ["state"] },
    );
    let { state } = await engine.put({ state: { w: hostTensor([2], new Float32Array(2)) } });
    for (let i = 0; i < 10; i++) ({ state } = await step.run({ state, x: Float32Array.of(1, 2) }));
    expect([...(await state.w.read())]).toEqual([10, 20]);
    await engine[Symbol.asyncDispose]();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("lets the error of a run surface in its outputs and in runs that are fed with them", async () => {
    const engine = await createTfjsEngine();
    const lookup = await engine.compile(
      ({ table, ids }: { table: tf.Tensor; ids: tf.Tensor }) => ({
        row: tf.reshape(tf.gather(table, ids as tf.Tensor1D), [2]),
      }),
      { table: { shape: [2, 2], dtype: "float32" }, ids: { shape: [1], dtype: "int32" } },
    );
    const negate = await engine.compile(({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }), { x: vector });
    const { row } = await lookup.run({ table: new Float32Array(4), ids: Int32Array.of(5) });
    await expect(row.read()).rejects.toMatchObject({ code: "engine-failed" });
    const { y } = await negate.run({ x: row });
    await expect(y.read()).rejects.toMatchObject({ code: "engine-failed" });
    row[Symbol.dispose]();
    await engine[Symbol.asyncDispose]();
  });

  it("reports how each op is computed, and refuses low precision", async () => {
    const engine = await createTfjsEngine({ backend: "wasm" });
    const program = ({ x }: { x: tf.Tensor }): { y: tf.Tensor } => ({ y: tf.exp(tf.softmax(x)) });
    const executable = await engine.compile(program, { x: { shape: [2, 2], dtype: "float32" } });
    expect(executable.report.ops).toEqual({
      Softmax: { count: 1, lowering: "composite" },
      Exp: { count: 1, lowering: "native" },
    });
    await expect(engine.compile(program, { x: vector }, { precision: "bf16" })).rejects.toMatchObject({
      code: "precision-unsupported",
    });
    await engine[Symbol.asyncDispose]();
  });

  it("holds less at one time where a block is computed again, with the same result", async () => {
    const engine = await createTfjsEngine();
    const program = ({ x }: { x: tf.Tensor }): { dx: tf.Tensor } => {
      const context = forwardContext({ training: true, seed: tf.zeros([2], "int32") });
      const block = (value: tf.Tensor): tf.Tensor =>
        context.block("wide", () => tf.matMul(tf.tanh(tf.matMul(value, tf.ones([4, 64]))), tf.ones([64, 4])));
      return { dx: tf.grad((v) => tf.sum(tf.square(block(block(block(v))))))(x) };
    };
    const specs = { x: { shape: [2, 4], dtype: "float32" } } as const;
    const [plain, again] = [
      await engine.compile(program, specs),
      await engine.compile(program, specs, { recompute: ["wide"] }),
    ];
    expect(again.report.plannedPeakBytes).toBeLessThan(plain.report.plannedPeakBytes);
    const x = Float32Array.from({ length: 8 }, (_, i) => i / 8);
    const [expected, got] = [await plain.run({ x }), await again.run({ x })];
    expect(await got.dx.read()).toEqual(await expected.dx.read());
    await engine[Symbol.asyncDispose]();
  });

  it("names the op that a backend has no kernel for, and its line", async () => {
    const { fitBackend } = await import("./fit-backend.ts");
    const { trace } = await import("@pipe/graph");
    const graph = trace(({ x }: { x: tf.Tensor }) => ({ y: tf.erf(x) }), { x: vector });
    expect(() => fitBackend(graph, "toy", (op) => op !== "Erf")).toThrow(
      expect.objectContaining({
        code: "unsupported-op",
        message: expect.stringMatching(/Erf[^]*tfjs-engine\.test\.ts/),
      }),
    );
  });
});
