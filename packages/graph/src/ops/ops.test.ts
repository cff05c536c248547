import type { ForwardContext } from "@pipe/core";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { interpret } from "../interpret.ts";
import { mergeCommonSubexpressions } from "../passes/common-subexpressions.ts";
import { mergeCovered } from "../passes/covered.ts";
import { decompose } from "../passes/decompose.ts";
import { removeDeadNodes } from "../passes/dead.ts";
import { simplify } from "../passes/simplify.ts";
import { checkShapes } from "../passes/check-shapes.ts";
import * as tf from "../tf.ts";
import { trace } from "../trace.ts";
import {
  allFinite,
  causalAttention,
  dropout,
  embedding,
  gelu,
  layerNorm,
  linearCrossEntropy,
  sparseCrossEntropy,
} from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const context = (seed: tf.Tensor, training = true): ForwardContext => {
  let places = 0;
  return { training, seed, place: () => places++, block: (_, body) => body() };
};
const seed = (): tf.Tensor => tf.tensor1d([5, 7], "int32");
const random = (shape: readonly number[], salt: number): tf.Tensor =>
  tf.randomNormal([...shape], 0, 1, "float32", salt);

type Case = { readonly run: (inputs: readonly tf.Tensor[]) => tf.Tensor; readonly inputs: readonly tf.Tensor[] };

/** Each op on inputs of random shapes; the first of them are differentiated. */
const cases: { readonly [name: string]: (d: readonly [number, number, number], salt: number) => Case } = {
  layerNorm: ([a, b, c], salt) => ({
    run: ([x, g, s]) => layerNorm(x!, g!, s!),
    inputs: [random([a, b, c + 1], salt), random([c + 1], salt + 1), random([c + 1], salt + 2)],
  }),
  gelu: ([a, b], salt) => ({ run: ([x]) => gelu(x!), inputs: [random([a, b], salt)] }),
  embedding: ([a, b, c], salt) => ({
    run: ([table]) =>
      embedding(
        table!,
        tf.tensor2d(
          Array.from({ length: a * b }, (_, i) => (i * salt) % c),
          [a, b],
          "int32",
        ),
      ),
    inputs: [random([c, 3], salt)],
  }),
  sparseCrossEntropy: ([a, b], salt) => ({
    run: ([logits]) =>
      sparseCrossEntropy(
        logits!,
        tf.tensor1d(
          Array.from({ length: a }, (_, i) => (i + salt) % b),
          "int32",
        ),
      ).loss,
    inputs: [random([a, b], salt)],
  }),
  linearCrossEntropy: ([a, b, c], salt) => ({
    run: ([hidden, head]) =>
      linearCrossEntropy(
        hidden!,
        head!,
        tf.tensor1d(
          Array.from({ length: a }, (_, i) => (i + salt) % b),
          "int32",
        ),
        tf.tensor1d(Array.from({ length: a }, (_, i) => i % 3)),
        { vocabulary: b, chunks: Math.min(a, 1 + (salt % 3)) },
      ).lossSum,
    inputs: [random([a, c], salt), random([b + 2, c], salt + 1)],
  }),
  causalAttention: ([a, b, c], salt) => ({
    run: ([q, k, v]) => causalAttention(q!, k!, v!, context(seed())),
    inputs: [random([a, 2, b, c], salt), random([a, 2, b, c], salt + 1), random([a, 2, b, c], salt + 2)],
  }),
  "causalAttention with dropout and fewer queries than keys": ([a, b, c], salt) => ({
    run: ([q, k, v]) => causalAttention(q!, k!, v!, context(seed()), { dropout: 0.25, scale: 0.3 }),
    inputs: [random([a, 2, b, c], salt), random([a, 2, b + 2, c], salt + 1), random([a, 2, b + 2, c], salt + 2)],
  }),
  dropout: ([a, b, c], salt) => ({
    run: ([x]) => dropout(x!, 0.3, context(seed())),
    inputs: [random([a, b, c], salt)],
  }),
};

const dimensions = fc.tuple(
  fc.integer({ min: 1, max: 4 }),
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 4 }),
);

/** Value and gradients of a weighted sum of an op's result: `weights` differ, so that every element matters. */
function differentiate(run: Case["run"], inputs: readonly tf.Tensor[]): { [name: string]: tf.Tensor } {
  const f = (...xs: tf.Tensor[]): tf.Scalar => {
    const y = run(xs);
    return tf.sum(tf.mul(y, tf.reshape(tf.sin(tf.range(1, y.size + 1)), y.shape)));
  };
  const { value, grads } = tf.valueAndGrads(f)([...inputs]);
  return { value, ...Object.fromEntries(grads.map((grad, i) => [`grad${i}`, grad])) };
}

function expectClose(got: tf.Tensor, expected: tf.Tensor, tolerance: number): void {
  expect(got.shape).toEqual(expected.shape);
  const [a, b] = [got.dataSync(), expected.dataSync()];
  a.forEach((x, i) => expect(Math.abs(x - b[i]!)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(b[i]!))));
}

describe.each(Object.keys(cases))("%s", (name) => {
  it("has a closed-form gradient equal to tfjs's own gradient of its decomposition, before and after the passes", () => {
    fc.assert(
      fc.property(dimensions, fc.integer({ min: 1, max: 1000 }), (d, salt) => {
        tf.tidy(() => {
          const { run, inputs } = cases[name]!(d, salt);
          const named = Object.fromEntries(inputs.map((x, i) => [`x${i}`, x]));
          const expected = differentiate(run, inputs);
          const specs = Object.fromEntries(
            inputs.map((x, i) => [`x${i}`, { shape: x.shape, dtype: "float32" as const }]),
          );
          const graph = trace(
            (given: { [input: string]: tf.Tensor }) =>
              differentiate(
                run,
                inputs.map((_, i) => given[`x${i}`]!),
              ),
            specs,
          );
          const plain = checkShapes(removeDeadNodes(mergeCommonSubexpressions(decompose(checkShapes(graph)))));
          expect(plain.nodes.every(({ op }) => op[0] === op[0]!.toUpperCase())).toBe(true);
          for (const form of [graph, plain]) {
            const got = interpret(form, named) as { [output: string]: tf.Tensor };
            for (const [key, value] of Object.entries(expected)) expectClose(got[key]!, value, 2e-5);
          }
        });
      }),
      { numRuns: 12, seed: 1 },
    );
  });
});

describe("linearCrossEntropy", () => {
  const [hidden, head] = [random([5, 3], 1), random([4, 3], 2)];
  const targets = tf.tensor1d([0, 3, 1, 1, 2], "int32");
  const weights = tf.tensor1d([1, 0, 2, 0.5, 1]);

  it("equals the cross-entropy of the whole product, whatever the chunks", () => {
    const whole = sparseCrossEntropy(tf.matMul(hidden, head, false, true), targets);
    const expected = tf.sum(tf.mul(whole.loss, weights)).dataSync()[0]!;
    for (const chunks of [1, 2, 3, 5]) {
      const { lossSum, correct } = linearCrossEntropy(hidden, head, targets, weights, { chunks });
      expect(lossSum.dataSync()[0]).toBeCloseTo(expected, 5);
      expect(correct.dataSync()).toEqual(tf.mul(whole.correct, weights).dataSync());
    }
  });

  it.each([0, 6, 1.5])("refuses %s chunks of 5 rows", (chunks) => {
    expect(() => linearCrossEntropy(hidden, head, targets, weights, { chunks })).toThrow("an integer from 1 to 5");
  });

  it("computes its products once when it is differentiated", () => {
    const program = ({ h, w }: { h: tf.Tensor; w: tf.Tensor }): { [name: string]: tf.Tensor } => {
      const loss = (...[a, b]: tf.Tensor[]): tf.Scalar =>
        linearCrossEntropy(a!, b!, tf.range(0, 4, 1, "int32"), tf.ones([4]), { chunks: 2 }).lossSum;
      const { value, grads } = tf.valueAndGrads(loss)([h, w]);
      return { value, dh: grads[0]!, dw: grads[1]! };
    };
    const spec = { shape: [4, 3], dtype: "float32" } as const;
    const graph = simplify(decompose(mergeCovered(removeDeadNodes(trace(program, { h: spec, w: spec })))));
    const ops = removeDeadNodes(mergeCommonSubexpressions(graph)).nodes.map(({ op }) => op);
    expect(ops.filter((op) => op === "BatchMatMul")).toHaveLength(6);
    // The gradient of the sum is 1: nothing is multiplied by it.
    expect(ops.filter((op) => op === "Multiply")).toHaveLength(7);
  });
});

describe("known numbers", () => {
  it("gelu is GPT-2's tanh form", () => {
    const x = [-3, -1, 0, 0.5, 2];
    const expected = x.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))));
    gelu(tf.tensor1d(x))
      .dataSync()
      .forEach((y, i) => expect(y).toBeCloseTo(expected[i]!, 6));
  });

  it("cross-entropy of uniform logits is ln V, of huge logits finite, and ties count as correct", () => {
    const logits = tf.tensor2d([
      [0, 0, 0],
      [1e4, 0, 0],
      [0, 1e4, 0],
    ]);
    const { loss, correct } = sparseCrossEntropy(logits, tf.tensor1d([2, 0, 0], "int32"));
    const [uniform, right, wrong] = loss.dataSync();
    expect(uniform).toBeCloseTo(Math.log(3), 6);
    expect(right).toBe(0);
    expect(wrong).toBe(1e4);
    expect([...correct.dataSync()]).toEqual([1, 1, 0]);
  });

  it("attention of the first position is its own value", () => {
    const v = random([1, 1, 3, 2], 1);
    const y = causalAttention(random([1, 1, 3, 2], 2), random([1, 1, 3, 2], 3), v, context(seed(), false), {
      dropout: 0.5,
    });
    expect([...y.dataSync().slice(0, 2)]).toEqual([...v.dataSync().slice(0, 2)]);
  });

  it("allFinite sees one NaN or infinity among many", () => {
    const fine = tf.ones([3, 3]);
    expect(allFinite([fine, fine]).dataSync()[0]).toBe(1);
    expect(allFinite([fine, tf.tensor1d([1, Number.NaN])]).dataSync()[0]).toBe(0);
    expect(allFinite([tf.tensor1d([Infinity]), fine]).dataSync()[0]).toBe(0);
  });
});

describe("dropout", () => {
  it("keeps the share it promises and scales the rest", () => {
    for (const rate of [0.1, 0.5]) {
      const y = dropout(tf.ones([300, 400]), rate, context(seed())).dataSync();
      const kept = y.filter((v) => v !== 0);
      expect(Math.abs(kept.length / y.length - (1 - rate))).toBeLessThan(0.005);
      expect(kept.every((v) => Math.abs(v - 1 / (1 - rate)) < 1e-6)).toBe(true);
    }
  });

  it("has no correlation between neighbours, rows, columns, places, steps or seeds", () => {
    const bits = (s: [number, number], skip: number): Float32Array => {
      const places = context(tf.tensor1d(s, "int32"));
      for (let i = 0; i < skip; i++) places.place();
      return dropout(tf.ones([256, 256]), 0.5, places).dataSync() as Float32Array;
    };
    const base = bits([5, 7], 0);
    const correlation = (a: Float32Array, b: Float32Array, shift: number): number => {
      let sum = 0;
      for (let i = 0; i < a.length; i++) sum += (a[i]! - 1) * (b[(i + shift) % b.length]! - 1);
      return Math.abs(sum / a.length);
    };
    const limit = 5 / 256; // five standard deviations of 65,536 independent signs
    for (const shift of [1, 2, 16, 255, 256, 257, 4096, 32768])
      expect(correlation(base, base, shift)).toBeLessThan(limit);
    for (const other of [
      bits([5, 8], 0),
      bits([6, 7], 0),
      bits([7, 5], 0),
      bits([5, 7], 1),
      bits([5 + 4096, 7], 0),
      bits([5, 7 + 4096], 0),
    ])
      expect(correlation(base, other, 0)).toBeLessThan(limit);
    const sums = (stride: number, step: number): number[] =>
      Array.from({ length: 256 }, (_, i) =>
        Array.from({ length: 256 }, (_, j) => base[i * stride + j * step]! - 1).reduce((a, b) => a + b),
      );
    for (const each of [sums(256, 1), sums(1, 256)]) {
      const variance = each.reduce((a, b) => a + b * b, 0) / 256 / 256;
      expect(Math.abs(variance - 1)).toBeLessThan(0.5);
    }
  });

  it("is the identity outside of training and at rate 0", () => {
    const x = tf.ones([2, 2]);
    expect(dropout(x, 0.5, context(seed(), false))).toBe(x);
    expect(dropout(x, 0, context(seed()))).toBe(x);
  });
});
