import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { checkShapes } from "../passes/check-shapes.ts";
import { interpret } from "../interpret.ts";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import { opPrograms } from "../testing/op-programs.ts";
import { plainOps } from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("plain ops", () => {
  it("have a program each in this test", () => {
    expect([...plainOps.keys()].filter((op) => !(op in opPrograms))).toEqual([]);
  });

  it.each(Object.entries(opPrograms))("%s computes what tfjs computes", (op, program) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }), fc.nat(1000), (a, b, salt) => {
        tf.tidy(() => {
          const x = tf.randomUniform([a, b], 0.2, 2, "float32", salt);
          const y = tf.randomUniform([a, b], 0.2, 2, "float32", salt + 1);
          const spec = { shape: [a, b], dtype: "float32" as const };
          const graph = checkShapes(
            trace(({ x, y }: { x: tf.Tensor; y: tf.Tensor }) => ({ z: program(x, y) }), { x: spec, y: spec }),
          );
          const expected = program(x, y);
          const { z } = interpret(graph, { x, y }) as { z: tf.Tensor };
          expect([z.shape, z.dtype]).toEqual([expected.shape, expected.dtype]);
          expect(z.dataSync()).toEqual(expected.dataSync());
          const output = graph.nodes[graph.outputs["z"]!.node]!;
          if (a > 1 && b > 1 && plainOps.has(op) && !["Fill", "Identity"].includes(op)) expect(output.op).toBe(op);
        });
      }),
      { numRuns: 15, seed: 1 },
    );
  });
});

describe("shape errors name both shapes", () => {
  const spec = (...shape: number[]): { shape: number[]; dtype: "float32" } => ({ shape, dtype: "float32" });
  it.each([
    ["Add", [spec(2), spec(3)], {}, "[2] and [3]"],
    ["BatchMatMul", [spec(2, 3), spec(2, 3)], { transposeA: false, transposeB: false }, "[2, 3] and [2, 3]"],
    ["Select", [spec(2), spec(2, 2), spec(2, 2)], {}, "[2] and [2, 2]"],
  ])("%s", (name, inputs, attributes, text) => {
    const op = plainOps.get(name)!;
    expect(() => op.infer(inputs, attributes as never)).toThrow(text);
  });
});

describe("element types", () => {
  const [integers, flags] = [Int32Array.of(-1, 0, 3), Uint8Array.of(1, 0, 1)];
  const traced = (program: (x: tf.Tensor) => tf.Tensor, dtype: "int32" | "bool"): tf.Tensor => {
    const graph = checkShapes(trace(({ x }: { x: tf.Tensor }) => ({ z: program(x) }), { x: { shape: [3], dtype } }));
    const x = tf.tensor(dtype === "int32" ? integers : flags, [3], dtype);
    const { z } = interpret(graph, { x }) as { z: tf.Tensor };
    const { shape, dtype: inferred } = graph.nodes[graph.outputs["z"]!.node]!.outputs[0]!;
    expect([z.shape, z.dtype]).toEqual([shape, inferred]);
    return z;
  };

  it("cast integers and flags to float32 where tfjs computes fractions of them", () => {
    expect(traced((x) => tf.exp(x), "int32").dataSync()).toEqual(Float32Array.from(integers, Math.exp));
    expect(traced((x) => tf.mean(x), "int32").dataSync()[0]).toBeCloseTo(2 / 3);
    expect(traced((x) => tf.mean(x), "bool").dataSync()[0]).toBeCloseTo(2 / 3);
    expect(traced((x) => tf.isFinite(x), "int32").dataSync()).toEqual(Uint8Array.of(1, 1, 1));
  });

  it("stay int32 where integers are added up", () => {
    const sum = traced((x) => tf.unsortedSegmentSum(x, tf.tensor1d([0, 1, 0], "int32"), 2), "int32");
    expect(sum.dataSync()).toEqual(Int32Array.of(2, 0));
  });

  it.each([
    ["Add", "bool", (x: tf.Tensor) => tf.add(x, x)],
    ["Greater", "bool", (x: tf.Tensor) => tf.greater(x, x)],
    ["Max", "bool", (x: tf.Tensor) => tf.max(x)],
    ["Reciprocal", "int32", (x: tf.Tensor) => tf.reciprocal(x)],
    ["BatchMatMul", "int32", (x: tf.Tensor) => tf.matMul(tf.expandDims(x), tf.expandDims(x, 1))],
  ] as const)("are refused by %s for %s, with the line", (op, dtype, program) => {
    expect(() => traced(program, dtype)).toThrow(
      expect.objectContaining({
        code: "unsupported-op",
        message: expect.stringMatching(new RegExp(`${op} .* ${dtype}[^]*plain\\.test\\.ts:\\d+[^]*cast`)),
      }),
    );
  });
});
