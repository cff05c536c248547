import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IEngine } from "@pipe/core";
import { hostTensor } from "@pipe/core";
import { engineContract } from "@pipe/graph/testing";
import * as tf from "@pipe/graph/tf";
import { describe, expect, it } from "vitest";
import { createXlaEngine, type XlaEngineOptions } from "./create-engine.ts";
import { definitions } from "./definitions.ts";
import type { Mesh } from "./mesh.ts";

const plugin = process.env["PIPE_XLA_CPU"];
const start = (mesh: Mesh, options: Omit<XlaEngineOptions, "plugin" | "mesh"> = {}): Promise<IEngine> =>
  createXlaEngine({ plugin: plugin!, threads: 2, mesh, ...options });
const code = (name: string): unknown => expect.objectContaining({ code: name });

async function withEngine<T>(mesh: Mesh, body: (engine: IEngine) => Promise<T>): Promise<T> {
  const engine = await start(mesh);
  try {
    return await body(engine);
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}

/** 64 × 64, large enough to be kept in parts. */
const matrix = { shape: [64, 64], dtype: "float32" } as const;
const rows = { shape: [8, 64], dtype: "float32" } as const;
const wave = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i));

/** Ten steps of gradient descent on the mean of tanh(x w)². */
async function descend(engine: IEngine): Promise<{ losses: number[]; w: ArrayLike<number>; deviceBytes: number }> {
  const step = await engine.compile(
    ({ state, batch }: { state: { w: tf.Tensor }; batch: { x: tf.Tensor } }) => {
      const loss = (w: tf.Tensor): tf.Scalar => tf.mean(tf.square(tf.tanh(tf.matMul(batch.x, w))));
      const { value, grad } = tf.valueAndGrad(loss)(state.w);
      return { state: { w: tf.sub(state.w, tf.mul(grad, 0.5)) }, loss: value };
    },
    { state: { w: matrix }, batch: { x: rows } },
    { donate: ["state"], batch: ["batch"] },
  );
  expect(step.report.warnings).toEqual([]);
  let { state } = await engine.put({ state: { w: hostTensor([64, 64], wave(64 * 64)) } });
  const { deviceBytes } = engine.memory();
  const losses: number[] = [];
  for (let i = 0; i < 10; i++) {
    const out = await step.run({ state, batch: { x: wave(8 * 64) } });
    ({ state } = out);
    losses.push((await out.loss.read())[0]!);
    out.loss[Symbol.dispose]();
  }
  expect(engine.memory().tensors).toBe(1);
  return { losses, w: await state.w.read(), deviceBytes: deviceBytes! };
}

describe.skipIf(plugin === undefined)("two devices", () =>
  engineContract(() => start({ data: 2, fsdp: true }), { describe, it, expect }),
);

describe.skipIf(plugin === undefined)("a mesh of devices", () => {
  it.each([
    { data: 2, part: 1 },
    { data: 4, part: 1 },
    { data: 2, fsdp: true, part: 2 },
    { data: 4, fsdp: true, part: 4 },
  ])("computes what one device does: %o", async ({ part, ...mesh }) => {
    const [one, several] = [await withEngine({ data: 1 }, descend), await withEngine(mesh, descend)];
    several.losses.forEach((loss, i) => expect(loss).toBeCloseTo(one.losses[i]!, 6));
    Array.from(several.w).forEach((w, i) => expect(w).toBeCloseTo(one.w[i]!, 5));
    expect(one.deviceBytes).toBe(4 * 64 * 64);
    expect(several.deviceBytes).toBe((4 * 64 * 64) / part);
  });

  it("moves a tensor that another program wants in parts, and takes it as consumed", () =>
    withEngine({ data: 2 }, async (engine) => {
      const program = ({ batch }: { batch: { x: tf.Tensor } }) => ({ batch: { x: tf.add(batch.x, 1) } });
      const step = await engine.compile(
        program,
        { batch: { x: { shape: [4], dtype: "float32" } } },
        { donate: ["batch"], batch: ["batch"] },
      );
      const { batch } = await engine.put({ batch: { x: hostTensor([4], Float32Array.of(1, 2, 3, 4)) } });
      const out = await step.run({ batch });
      expect([...(await out.batch.x.read())]).toEqual([2, 3, 4, 5]);
      await expect(batch.x.read()).rejects.toThrow(code("tensor-donated"));
      expect(engine.memory()).toMatchObject({ tensors: 1, tensorBytes: 16, deviceBytes: 16 });
    }));

  it("says so where rows cannot be shared", () =>
    withEngine({ data: 2 }, async (engine) => {
      const { report } = await engine.compile(
        ({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }),
        { x: { shape: [3], dtype: "float32" } },
        { batch: ["x"] },
      );
      expect(report.warnings).toEqual([
        "x has 3 rows, which 2 devices cannot share equally: each computes all of them",
      ]);
    }));

  it("loads compiled programs again, of the same mesh alone", async () => {
    const cache = await mkdtemp(join(tmpdir(), "pipe-xla-mesh-"));
    const compile = async (mesh: Mesh): Promise<boolean> => {
      const engine = await start(mesh, { cache });
      const executable = await engine.compile(({ x }: { x: tf.Tensor }) => ({ y: tf.neg(x) }), { x: matrix });
      const { y } = await executable.run({ x: wave(64 * 64) });
      expect([...(await y.read())]).toEqual([...wave(64 * 64)].map((value) => -value));
      await engine[Symbol.asyncDispose]();
      return executable.report.fromCache;
    };
    expect(await compile({ data: 2 })).toBe(false);
    expect(await compile({ data: 2 })).toBe(true);
    expect(await compile({ data: 2, fsdp: true })).toBe(false);
    await rm(cache, { recursive: true });
  });

  it("is refused where there are fewer devices, or no number of them", async () => {
    await expect(start({ data: 4 }, { options: { cpu_device_count: 2 } })).rejects.toThrow(code("xla-device-missing"));
    await expect(start({ data: 1.5 })).rejects.toThrow(code("mesh-invalid"));
  });

  it("is made from a configuration", async () => {
    const [definition] = definitions;
    const config = definition.schema.parse({ kind: "xla", device: plugin!, cache: false, mesh: { data: 2 } });
    const engine = await definition.create(config, { has: () => false } as never);
    expect(engine.device.count).toBe(2);
    await engine[Symbol.asyncDispose]();
  });
});
