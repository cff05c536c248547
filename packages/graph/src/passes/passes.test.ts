import type { TensorSpec } from "@pipe/core";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compositeNames, compositeOf, defineComposite } from "../composite.ts";
import type { Graph } from "../graph.ts";
import { interpret } from "../interpret.ts";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import { checkShapes } from "./check-shapes.ts";
import { mergeCommonSubexpressions } from "./common-subexpressions.ts";
import { removeDeadNodes } from "./dead.ts";
import { mergeCovered } from "./covered.ts";
import { decompose } from "./decompose.ts";
import { simplify } from "./simplify.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const twice = defineComposite({ name: "test.twice", infer: ([x]) => [x!], decompose: ([x]) => [tf.add(x!, x!)] });
const fourTimes = defineComposite({
  name: "test.fourTimes",
  infer: ([x]) => [x!, x!],
  decompose: ([x], { minus }) => [twice(twice([x!]))[0]!, minus === true ? tf.neg(x!) : x!],
});

/** Computes `test.twice` as well. */
const covering = defineComposite({
  name: "test.covering",
  covers: "test.twice",
  infer: ([x]) => [x!, x!],
  decompose: ([x]) => [twice([x!])[0]!, tf.neg(x!)],
});
const spec: TensorSpec = { shape: [3], dtype: "float32" };
const operations: readonly ((a: tf.Tensor, b: tf.Tensor) => tf.Tensor)[] = [
  (a, b) => tf.add(a, b),
  (a, b) => tf.mul(a, b),
  (a) => tf.tanh(a),
  (a) => tf.sub(a, tf.tensor1d([1, 2, 3])),
  (a) => tf.mul(a, tf.scalar(-0)),
  (a) => tf.minimum(a, Infinity),
  (a) => tf.maximum(a, -Infinity),
  (a, b) => tf.where(tf.greater(a, b), a, b),
  (a) => twice([a])[0]!,
  (a) => tf.mul(tf.ones([1]), a),
  (a) => covering([a])[1]!,
  (a, b) => tf.add(fourTimes([a], { minus: true })[1]!, fourTimes([b], { minus: false })[0]!),
];

/** A random program: each step applies an operation to two earlier values; some values are never used. */
const randomProgram = fc
  .array(fc.tuple(fc.nat(operations.length - 1), fc.nat(100), fc.nat(100)), { minLength: 1, maxLength: 25 })
  .map((steps) => ({ x, y }: { x: tf.Tensor; y: tf.Tensor }): { [output: string]: tf.Tensor } => {
    const values = [x, y];
    for (const [operation, i, j] of steps) {
      values.push(operations[operation]!(values[i % values.length]!, values[j % values.length]!));
    }
    return { last: values.at(-1)!, middle: values[values.length >> 1]!, input: x };
  });

const passes: readonly [string, (graph: Graph) => Graph][] = [
  ["removeDeadNodes", removeDeadNodes],
  ["mergeCommonSubexpressions", mergeCommonSubexpressions],
  ["decompose", (graph) => decompose(graph)],
  ["decompose with native ops", (graph) => decompose(graph, (op) => op === "test.twice")],
  ["checkShapes", checkShapes],
  ["mergeCovered", mergeCovered],
  ["simplify", simplify],
  ["all", (graph) => checkShapes(removeDeadNodes(mergeCommonSubexpressions(simplify(decompose(mergeCovered(graph))))))],
];

describe.each(passes)("%s", (name, pass) => {
  it("leaves the results of random programs as they were, bit for bit", () => {
    fc.assert(
      fc.property(randomProgram, (program) => {
        tf.tidy(() => {
          const graph = trace(program, { x: spec, y: spec });
          const inputs = { x: tf.tensor1d([0.5, -1, 2]), y: tf.tensor1d([3, 0, -0.25]) };
          const expected = interpret(graph, inputs) as { [output: string]: tf.Tensor };
          const got = interpret(pass(graph), inputs) as { [output: string]: tf.Tensor };
          for (const [path, tensor] of Object.entries(expected))
            expect(got[path]!.dataSync()).toEqual(tensor.dataSync());
          if (name === "all") expect(pass(pass(graph))).toEqual(pass(graph));
        });
      }),
      { numRuns: 60 },
    );
  });
});

it("removes what no output needs and keeps inputs", () => {
  const graph = removeDeadNodes(
    trace(
      ({ x, y }: { x: tf.Tensor; y: tf.Tensor }) => {
        tf.exp(y);
        return { z: tf.tanh(x) };
      },
      { x: spec, y: spec },
    ),
  );
  expect(graph.nodes.map(({ op }) => op)).toEqual(["Input", "Input", "Tanh"]);
});

it("merges equal work and equal constants, but not 0 and -0", () => {
  const graph = mergeCommonSubexpressions(
    trace(
      ({ x }: { x: tf.Tensor }) => ({
        a: tf.add(tf.exp(x), tf.tensor1d([0, 1, 2])),
        b: tf.add(tf.exp(x), tf.tensor1d([0, 1, 2])),
        c: tf.add(tf.exp(x), tf.tensor1d([-0, 1, 2])),
      }),
      { x: spec },
    ),
  );
  expect(graph.nodes.map(({ op }) => op).filter((op) => op === "Exp")).toHaveLength(1);
  expect(graph.outputs["a"]).toEqual(graph.outputs["b"]);
  expect(graph.outputs["a"]).not.toEqual(graph.outputs["c"]);
});

it.each([
  [0, -0],
  [Infinity, -Infinity],
  [Infinity, NaN],
])("keeps fills with %s and %s apart", (a, b) => {
  const graph = mergeCommonSubexpressions(
    trace(() => ({ a: tf.fill([2], a), again: tf.fill([2], a), b: tf.fill([2], b) }), {}),
  );
  expect(graph.nodes.map(({ attributes }) => attributes["value"])).toEqual([a, b]);
  expect(graph.outputs["a"]).toEqual(graph.outputs["again"]);
});

it("decomposes nested composites and keeps the caller's line", () => {
  const graph = decompose(trace(({ x }: { x: tf.Tensor }) => ({ y: fourTimes([x])[0]! }), { x: spec }));
  expect(graph.nodes.map(({ op }) => op)).toEqual(["Input", "Add", "Add"]);
  expect(graph.nodes[2]!.source).toMatch(/passes\.test\.ts/);
});

it("refuses a graph that does not fit together", () => {
  const graph = trace(({ x }: { x: tf.Tensor }) => ({ y: tf.exp(x) }), { x: spec });
  const [input, exp] = graph.nodes;
  const broken = (node: object): Graph => ({ ...graph, nodes: [input!, { ...exp!, ...node }] });
  expect(() => checkShapes(broken({ outputs: [{ shape: [4], dtype: "float32" }] }))).toThrow(
    /float32 \[3\][^]*float32 \[4\]/,
  );
  expect(() => checkShapes(broken({ inputs: [{ node: 1, output: 0 }] }))).toThrow("come before their use");
  expect(() => checkShapes(broken({ op: "Nothing" }))).toThrow("no op Nothing");
});

it("knows composites by name", () => {
  expect(compositeNames()).toContain("test.twice");
  expect(compositeOf("test.twice")?.name).toBe("test.twice");
  expect(compositeOf("Add")).toBe(undefined);
});
