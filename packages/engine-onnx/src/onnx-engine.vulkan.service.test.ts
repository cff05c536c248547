import { MessageChannel } from "node:worker_threads";
import { type DType, type HostArray, hostTensor, type IEngine } from "@pipe/core";
import { interpret, trace } from "@pipe/graph";
import { engineContract } from "@pipe/graph/testing";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import type { Port } from "./connection.ts";
import { rightSums } from "./add-rows.test.fixture.ts";
import { connectOnnxEngine, createOnnxEngine } from "./create-engine.ts";
import { type HostPort, SessionHost } from "./session-host.ts";

const driver = process.env["PIPE_VULKAN"];

/** The same host that the worker runs, in this thread. */
async function inThread(): ReturnType<typeof connectOnnxEngine> {
  const { port1, port2 } = new MessageChannel();
  SessionHost.serve(port2 as unknown as HostPort);
  const stop = async (): Promise<void> => port1.close();
  return connectOnnxEngine(port1 as unknown as Port, stop, { provider: "webgpu" });
}

type Two = { readonly x: tf.Tensor; readonly y: tf.Tensor };
type Program = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;

/** Elements of [3, 4] by type. */
const samples: { readonly [dtype in DType]: readonly [HostArray, HostArray] } = {
  float32: [
    Float32Array.of(1.5, -2, 3, 0, 2, -1, 0, 4, 5, -6, 7.25, 1),
    Float32Array.of(1, 2, 2, 1, 2, -3, 1, 4, 3, -6, 7, -1),
  ],
  int32: [Int32Array.of(1, -2, 3, 0, 2, -1, 0, 4, 201, -6, 7, 1), Int32Array.of(1, 2, 2, 1, 2, -3, 1, 4, 3, -6, 7, -1)],
  bool: [Uint8Array.of(1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1), Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1)],
};

/** Programs of ops that WebGPU needs composed, and the types on which they are tried. */
const programs: { readonly [name: string]: readonly [readonly DType[], Program] } = {
  slice: [["int32", "bool"], (x) => tf.slice(x, [1, 0], [2, 3])],
  concat: [["bool"], (x, y) => tf.concat([x, y], 0)],
  transpose: [["bool"], (x) => tf.transpose(x)],
  tile: [["bool"], (x) => tf.tile(x, [2, 1])],
  pad: [["bool"], (x) => tf.pad(x, [[1, 0], [0, 2]])], // prettier-ignore
  equal: [["bool"], (x, y) => tf.logicalAnd(tf.equal(x, y), tf.notEqual(x, tf.logicalNot(y)))],
  clone: [["bool"], (x) => tf.clone(x)],
  oneHot: [["int32", "bool"], (x) => tf.oneHot(tf.reshape(tf.cast(x, "int32"), [12]) as tf.Tensor1D, 5)],
  argMax: [["float32", "int32"], (x) => tf.stack([tf.argMax(x, 1), tf.slice(tf.argMax(x, 0), [0], [3])])],
  "absolute, negative and positive": [["int32"], (x, y) => tf.sub(tf.abs(x), tf.add(tf.neg(y), tf.relu(x)))],
  sign: [["float32", "int32"], (x) => tf.sign(x)],
  "division that floors": [["float32", "int32"], (x, y) => tf.floorDiv(x, y)],
  "logarithm of nothing and less": [["float32"], (x) => tf.log(x)],
  "finite or not": [["float32"], (x) => tf.isFinite(tf.log(x))],
  "sine and cosine of large angles": [["float32"], (x) => tf.add(tf.sin(tf.mul(x, 100)), tf.cos(tf.mul(x, 77)))],
};

const compiled = (engine: IEngine, program: Program, shape: readonly number[], dtype: DType = "float32") =>
  engine.compile(({ x, y }: Two) => ({ z: program(x, y) }), { x: { shape, dtype }, y: { shape, dtype } });

describe.skipIf(driver === undefined)("on WebGPU", { timeout: 300_000 }, () => {
  beforeAll(() => {
    process.env["VK_ICD_FILENAMES"] = process.env["VK_DRIVER_FILES"] = driver;
  });

  engineContract(inThread, { describe, it, expect });

  it("composes what the provider lacks or gets wrong", async () => {
    const engine = await inThread();
    const shape = [3, 4];
    for (const [name, [dtypes, program]] of Object.entries(programs)) {
      for (const dtype of dtypes) {
        const [x, y] = samples[dtype];
        const specs = { x: { shape, dtype }, y: { shape, dtype } };
        const inputs = { x: tf.tensor(x, shape, dtype), y: tf.tensor(y, shape, dtype) };
        const graph = trace(({ x: a, y: b }: Two) => ({ z: program(a, b) }), specs);
        const { z: expected } = interpret(graph, inputs) as { readonly z: tf.Tensor };
        const executable = await compiled(engine, program, shape, dtype);
        const got = [...(await (await executable.run({ x, y })).z.read())];
        const wanted = [...expected.dataSync()];
        const isClose = (a: number, b: number): boolean => Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-5;
        expect([name, dtype, got.map((v, i) => (isClose(v, wanted[i]!) ? wanted[i] : v))]).toEqual([
          name,
          dtype,
          wanted,
        ]);
      }
    }
    await engine[Symbol.asyncDispose]();
  });

  it("keeps tensors on the device, whatever their type, and copies what is handed out twice", async () => {
    const engine = await inThread();
    const count = 2000;
    const flags = Uint8Array.from({ length: count }, (_, i) => (i % 3) % 2);
    const numbers = Int32Array.from({ length: count }, (_, i) => i - 1000);
    const put = await engine.put({
      flags: { spec: { shape: [count], dtype: "bool" }, data: flags },
      numbers: { spec: { shape: [count], dtype: "int32" }, data: numbers },
      kept: hostTensor([count], new Float32Array(count).fill(3)),
    });
    const executable = await engine.compile(
      ({ flags: f, numbers: n, kept, given }: { [name in keyof typeof put | "given"]: tf.Tensor }) => {
        const not = tf.logicalNot(f);
        return { not, again: not, twice: tf.add(n, n), kept, given };
      },
      {
        flags: put.flags.spec,
        numbers: put.numbers.spec,
        kept: put.kept.spec,
        given: { shape: [count], dtype: "float32" },
      },
      { donate: ["kept", "given"] },
    );
    const out = await executable.run({ ...put, given: new Float32Array(count).fill(4) });
    const opposite = [...flags].map((v) => 1 - v);
    expect([...(await out.not.read())]).toEqual(opposite);
    out.not[Symbol.dispose]();
    expect([...(await out.again.read())]).toEqual(opposite);
    expect([...(await out.twice.read())]).toEqual([...numbers].map((v) => 2 * v));
    expect([(await out.kept.read())[1999], (await out.given.read())[1999]]).toEqual([3, 4]);
    await engine[Symbol.asyncDispose]();
  });

  it("refuses a program with an op that the provider lacks", async () => {
    const engine = await inThread();
    const sum: Program = (x) => tf.unsortedSegmentSum(x, tf.tensor1d([0, 1], "int32"), 2);
    await expect(compiled(engine, sum, [2], "bool")).rejects.toMatchObject({ code: "unsupported-op" });
    await engine[Symbol.asyncDispose]();
  });

  it("computes for several engines at a time in one worker", async () => {
    const engines = await Promise.all([1, 2, 3].map(() => createOnnxEngine({ provider: "webgpu" })));
    const sums = await Promise.all(
      engines.map(async (engine, i) => {
        const executable = await compiled(engine, (x, y) => tf.add(x, tf.mul(y, i)), [600]);
        const ones = new Float32Array(600).fill(1);
        const { z } = await executable.run({ x: ones, y: ones });
        return (await z.read())[599];
      }),
    );
    expect(sums).toEqual([1, 2, 3]);
    expect(engines[0]!.device).toMatchObject({ kind: "gpu", count: 1 });
    expect(engines[0]!.device.name).toMatch(/^ONNX Runtime [\d.]+, WebGPU$/);
    for (const engine of engines) await engine[Symbol.asyncDispose]();
  });

  it("loses no row of those that many ids add to one", async () => {
    const engine = await createOnnxEngine({ provider: "webgpu" });
    expect(await rightSums(engine, 10)).toBe(10);
    await engine[Symbol.asyncDispose]();
  });
});
