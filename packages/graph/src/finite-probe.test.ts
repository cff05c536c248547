import type { TensorSpec } from "@pipe/core";
import { beforeAll, expect, it } from "vitest";
import { finiteProbe, type NonFinite } from "./finite-probe.ts";
import { forwardContext } from "./forward-context.ts";
import { gelu } from "./ops/index.ts";
import * as tf from "./tf.ts";
import { trace } from "./trace.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const vector: TensorSpec = { shape: [3], dtype: "float32" };
type Inputs = { readonly x: tf.Tensor; readonly w: tf.Tensor };

/** A division inside a block, and the gradient by w. */
function program({ x, w }: Inputs): { [name: string]: tf.Tensor } {
  const context = forwardContext({ training: true, seed: tf.zeros([2], "int32") });
  const loss = (v: tf.Tensor): tf.Scalar => tf.sum(context.block("h.0", () => tf.div(gelu(x), v)));
  const { value, grad } = tf.valueAndGrad(loss)(w);
  return { loss: value, w: grad };
}

function probe(x: number[], w: number[]): NonFinite | undefined {
  const { program: look, explain } = finiteProbe(trace(program, { x: vector, w: vector }));
  const { finite, largest } = look({ x: tf.tensor1d(x), w: tf.tensor1d(w) });
  return explain(finite.dataSync(), largest.dataSync());
}

it("finds nothing where everything is finite", () => {
  expect(probe([1, 2, 3], [1, 2, 3])).toBeUndefined();
});

it("names the first op, its line and block, the size of its inputs, and the outputs that it spoils", () => {
  const found = probe([1, 2, 3], [1, 0, 3])!;
  expect(found).toMatchObject({ op: "RealDiv", block: "h.0", spec: vector, outputs: ["loss", "w"] });
  expect(found.source).toContain("finite-probe.test.ts");
  expect(found.inputs.map(({ op, path }) => [op, path])).toEqual([
    ["gelu", undefined],
    ["Input", "w"],
  ]);
  expect(found.inputs[1]!.largest).toBe(3);
});

it("names an input that was not finite to begin with", () => {
  expect(probe([1, 2, 3], [1, Number.NaN, 3])).toMatchObject({ op: "Input", path: "w", inputs: [] });
});

it("can itself be traced, so that any engine runs it", () => {
  const { program: look } = finiteProbe(trace(program, { x: vector, w: vector }));
  const graph = trace(look as never, { x: vector, w: vector } as never);
  expect(Object.keys(graph.outputs)).toEqual(["finite", "largest"]);
});
