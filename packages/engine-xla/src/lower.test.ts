import type { TensorSpec } from "@pipe/core";
import { type Graph, plainOps, trace } from "@pipe/graph";
import { barrier, choose, layerNorm, linearCrossEntropy, updateSlice } from "@pipe/graph/ops";
import { opPrograms } from "@pipe/graph/testing";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import { lower, type LowerOptions } from "./lower.ts";

type Tensors = { readonly [name: string]: tf.Tensor };

const float = (...shape: number[]): TensorSpec => ({ shape, dtype: "float32" });
const textOf = (
  program: (inputs: never) => Tensors,
  specs: { readonly [name: string]: TensorSpec },
  options?: LowerOptions,
): string => lower(trace(program as (inputs: Tensors) => Tensors, specs as never), options).text;

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("lower", () => {
  it("writes a module whose text is small enough to read", () => {
    const program = ({ x }: { x: tf.Tensor }): Tensors => ({ y: tf.add(tf.neg(x), 0.5) });
    expect(textOf(program, { x: float(2, 3) })).toBe(`module @program {
  func.func public @main(%arg0: tensor<2x3xf32>) -> (tensor<2x3xf32>) {
    %0 = stablehlo.negate %arg0 : tensor<2x3xf32>
    %1 = stablehlo.constant dense<5.0e-1> : tensor<f32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [] : (tensor<f32>) -> tensor<2x3xf32>
    %3 = stablehlo.add %0, %2 : tensor<2x3xf32>
    return %3 : tensor<2x3xf32>
  }
}
`);
  });

  it.each([...plainOps.keys()])("has a lowering for %s", (op) => {
    const program = ({ x, y }: { x: tf.Tensor; y: tf.Tensor }): Tensors => ({ z: opPrograms[op]!(x, y) });
    const { text, report } = lower(trace(program, { x: float(2, 3), y: float(2, 3) }));
    expect(text).toContain("return %");
    expect(Object.values(report.ops).every(({ lowering }) => lowering === "native")).toBe(true);
  });

  it("lets outputs take the memory of donated inputs of the same path and spec", () => {
    const program = ({ state, by }: { state: { a: tf.Tensor; b: tf.Tensor }; by: tf.Tensor }) => ({
      loss: tf.sum(by),
      state: { a: tf.add(state.a, by), b: tf.sum(state.b) },
    });
    const graph = trace(program, { state: { a: float(3), b: float(3) }, by: float(3) });
    const { text, inputs } = lower(graph, { isDonated: (path) => path.startsWith("state/") });
    expect(text).toContain("%arg0: tensor<3xf32> {tf.aliasing_output = 1 : i32}, %arg1: tensor<3xf32>, %arg2");
    expect(inputs.map(({ donated }) => donated)).toEqual([true, true, false]);
  });

  it("rounds the factors of products to bfloat16 on demand and sums in float32", () => {
    const program = ({ a, b }: { a: tf.Tensor; b: tf.Tensor }): Tensors => ({ c: tf.matMul(a, b) });
    const specs = { a: float(2, 3), b: float(3, 4) };
    expect(textOf(program, specs)).toContain("(tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>");
    expect(textOf(program, specs, { precision: "bf16" })).toContain(
      "(tensor<2x3xbf16>, tensor<3x4xbf16>) -> tensor<2x4xf32>",
    );
  });

  it("straightens a turned first factor of a bf16 product on a processor, and nothing else", () => {
    const program = ({ a, b }: { a: tf.Tensor; b: tf.Tensor }): Tensors => ({ c: tf.matMul(a, b, true, false) });
    const specs = { a: float(5, 3, 2), b: float(5, 3, 4) };
    const straight = "contracting_dims = [2] x [1] : (tensor<5x2x3xbf16>, tensor<5x3x4xbf16>) -> tensor<5x2x4xf32>";
    const turned = (short: string) => `contracting_dims = [1] x [1] : (tensor<5x3x2x${short}>, tensor<5x3x4x${short}>)`;
    expect(textOf(program, specs, { precision: "bf16" })).toContain(straight);
    expect(textOf(program, specs, { precision: "bf16", platform: "cuda" })).toContain(turned("bf16"));
    expect(textOf(program, specs)).toContain(turned("f32"));
  });

  it("multiplies single matrices as such, and broadcasts stacks", () => {
    const program = ({ a, b }: { a: tf.Tensor; b: tf.Tensor }): Tensors => ({ c: tf.matMul(a, b, false, true) });
    expect(textOf(program, { a: float(1, 2, 3), b: float(1, 4, 3) })).toContain(
      "contracting_dims = [1] x [1] : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x4xf32>",
    );
    expect(textOf(program, { a: float(5, 2, 3), b: float(1, 4, 3) })).toContain(
      "batching_dims = [0] x [0], contracting_dims = [2] x [2] : (tensor<5x2x3xf32>, tensor<5x4x3xf32>)",
    );
  });

  it("keeps the chunks of the head apart by barriers", () => {
    const program = ({ h, w, t, m }: { h: tf.Tensor; w: tf.Tensor; t: tf.Tensor; m: tf.Tensor }): Tensors => ({
      loss: linearCrossEntropy(h, w, t, m, { chunks: 3 }).lossSum,
    });
    const text = textOf(program, { h: float(6, 4), w: float(9, 4), t: { shape: [6], dtype: "int32" }, m: float(6) });
    expect(text.match(/stablehlo\.optimization_barrier/g)).toHaveLength(2);
    expect(text.match(/\(tensor<2x4xf32>, tensor<9x4xf32>\) -> tensor<2x9xf32>/g)).toHaveLength(3);
  });

  it("passes all values through a barrier and goes on with the first", () => {
    const program = ({ x, y }: { x: tf.Tensor; y: tf.Tensor }): Tensors => ({ z: tf.neg(barrier(x, [y])) });
    const text = textOf(program, { x: float(2), y: float(3) });
    expect(text).toContain("%0:2 = stablehlo.optimization_barrier %arg0, %arg1 : tensor<2xf32>, tensor<3xf32>");
    expect(text).toContain("stablehlo.negate %0#0 : tensor<2xf32>");
  });

  it("chooses by one flag, and writes rows of a cache at positions", () => {
    const chosen = ({ c, a, b }: { c: tf.Tensor; a: tf.Tensor; b: tf.Tensor }): Tensors => ({ y: choose(c, a, b) });
    expect(textOf(chosen, { c: { shape: [], dtype: "bool" }, a: float(2), b: float(2) })).toContain(
      "stablehlo.select %arg0, %arg1, %arg2 : tensor<i1>, tensor<2xf32>",
    );
    const written = ({ c, r, p }: { c: tf.Tensor; r: tf.Tensor; p: tf.Tensor }): Tensors => ({
      c: updateSlice(c, r, p),
    });
    const text = textOf(written, { c: float(2, 3, 8, 4), r: float(2, 3, 1, 4), p: { shape: [2], dtype: "int32" } });
    expect(text).toContain('"stablehlo.scatter"');
    expect(text).toContain("(tensor<2x3x8x4xf32>, tensor<2x2xi32>, tensor<2x3x4xf32>) -> tensor<2x3x8x4xf32>");
  });

  it("reports what was decomposed, and how much there is to compute", () => {
    const program = ({ x, w }: { x: tf.Tensor; w: tf.Tensor }): Tensors => ({
      y: tf.matMul(layerNorm(x, tf.ones([4]), tf.zeros([4])), w),
    });
    const { report } = lower(trace(program, { x: float(2, 4), w: float(4, 3) }));
    expect(report).toMatchObject({
      flops: 2 * 2 * 3 * 4,
      argumentBytes: 4 * (8 + 12 + 6),
      ops: { layerNorm: { count: 1, lowering: "composite" }, BatchMatMul: { count: 1, lowering: "native" } },
    });
  });

  it("divides batches and larger state among devices, and gathers state for products alone", () => {
    const program = ({ w, batch }: { w: tf.Tensor; batch: tf.Tensor }): Tensors => ({
      w: tf.sub(w, tf.mul(w, 0.5)),
      y: tf.matMul(batch, w),
    });
    const graph = trace(program, { w: float(64, 32), batch: float(4, 64) });
    const { text, inputs, outputs } = lower(graph, {
      mesh: { data: 2, fsdp: true },
      isBatch: (path) => path === "batch",
      isDonated: (path) => path === "w",
    });
    expect(inputs.map(({ isSplit }) => isSplit)).toEqual([true, true]);
    expect(outputs.map(({ isSplit }) => isSplit)).toEqual([true, false]);
    expect(text).toContain('sdy.mesh @mesh = <["data"=2]>');
    expect(text).toContain(
      '%arg0: tensor<64x32xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"data"}, {}]>, tf.aliasing_output = 0 : i32}',
    );
    expect(text.match(/sdy\.sharding_constraint %arg0 <@mesh, \[\{\}, \{\}\]>/g)).toHaveLength(1);
    expect(text).toContain("tensor<4x32xf32> {sdy.sharding = #sdy.sharding<@mesh, [{}, {}]>}");
  });

  it("names an op that it does not know, and its line", () => {
    const graph: Graph = {
      nodes: [
        { op: "Input", inputs: [], attributes: { path: "x" }, outputs: [float(2)] },
        { op: "toString", inputs: [{ node: 0, output: 0 }], attributes: {}, outputs: [float(2)], source: "a.ts:1:2" },
      ],
      inputs: { x: 0 },
      outputs: { y: { node: 1, output: 0 } },
      blocks: [],
      warnings: [],
    };
    expect(() => lower(graph)).toThrow(/graph-invalid|There is no op toString/);
  });

  it("writes programs without inputs, and those without outputs", () => {
    expect(textOf(() => ({ y: tf.tensor1d([1, 2]) }), {})).toContain("@main() -> (tensor<2xf32>)");
    expect(textOf(() => ({}), {})).toContain("@main() -> () {\n    return\n");
  });
});
