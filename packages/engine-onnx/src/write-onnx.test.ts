import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostTensor, type Params } from "@pipe/core";
import { causalAttention, layerNorm } from "@pipe/graph/ops";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OnnxModel } from "./onnx-model.ts";
import { writeOnnx } from "./write-onnx.ts";

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "pipe-onnx-"))));
afterAll(() => rm(folder, { recursive: true }));

const weights = {
  "table.weight": hostTensor(
    [5, 4],
    Float32Array.from({ length: 20 }, (_, i) => Math.sin(i)),
  ),
  gain: hostTensor([4], Float32Array.of(1, 2, 3, 4)),
  shift: hostTensor([4], Float32Array.of(0.1, 0.2, 0.3, 0.4)),
};
const ids = { shape: [1, 3], dtype: "int32" } as const;
const scale = { shape: [], dtype: "float32" } as const;

/** Lookup, normalisation, attention in two heads (products of batches, transposed), and a head with the table. */
function program({ weights: w, inputs }: { weights: Params; inputs: Params }): Params {
  const x = layerNorm(tf.gather(w["table.weight"]!, inputs["ids"]! as tf.Tensor1D), w["gain"]!, w["shift"]!, 1e-5);
  const heads = tf.transpose(tf.reshape(x, [1, 3, 2, 2]), [0, 2, 1, 3]);
  const context = forwardContext({ training: false, seed: tf.zeros([2], "int32") });
  const mixed = tf.reshape(tf.transpose(causalAttention(heads, heads, heads, context), [0, 2, 1, 3]), [3, 4]);
  const logits = tf.matMul(mixed, w["table.weight"]!, false, true);
  return { logits: tf.mul(logits, inputs["scale"]!), same: inputs["ids"]! };
}

async function run(path: string): Promise<InferenceSession.OnnxValueMapType> {
  const session = await InferenceSession.create(path);
  const out = await session.run({
    ids: new Tensor("int64", BigInt64Array.of(4n, 0n, 2n), [1, 3]),
    scale: new Tensor("float32", Float32Array.of(2), []),
  });
  await session.release();
  return out;
}

it("writes a file that ONNX Runtime runs by itself, with the weights inside or beside", async () => {
  const inside = join(folder, "inside.onnx");
  const beside = join(folder, "beside.onnx");
  const inputs = { ids, scale };
  const whole = await writeOnnx(inside, program, { weights, inputs });
  expect(whole).toEqual({ files: ["inside.onnx"], bytes: (await readFile(inside)).length });
  const split = await writeOnnx(beside, program, { weights, inputs, largest: 100 });
  expect(split.files).toEqual(["beside.onnx", "beside.onnx.data"]);
  expect((await readFile(join(folder, "beside.onnx.data"))).length).toBe(4 * 28);
  expect((await readdir(folder)).sort()).toEqual(["beside.onnx", "beside.onnx.data", "inside.onnx"]);

  await tf.setBackend("cpu");
  const expected = program({
    weights: Object.fromEntries(
      Object.entries(weights).map(([name, { data, spec }]) => [name, tf.tensor(data, [...spec.shape])]),
    ),
    inputs: { ids: tf.tensor2d([[4, 0, 2]], undefined, "int32"), scale: tf.scalar(2) },
  })["logits"]!.dataSync();
  for (const path of [inside, beside]) {
    const { logits, same } = await run(path);
    expect(logits!.dims).toEqual([3, 5]);
    (logits!.data as Float32Array).forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 5));
    expect([...(same!.data as Int32Array)]).toEqual([4, 0, 2]);
  }
});

it("uses no op that only one runtime has", async () => {
  const bytes = await readFile(join(folder, "inside.onnx"));
  expect(bytes.includes("com.microsoft")).toBe(false);
  expect(() => new OnnxModel({ plain: true }).node("com.microsoft.FusedMatMul", [])).toThrow("not an op of ONNX");
});

it("leaves nothing behind where it cannot write", async () => {
  await expect(
    writeOnnx(join(folder, "none/a.onnx"), program, { weights, inputs: { ids, scale } }),
  ).rejects.toMatchObject({ code: "ENOENT" });
});
