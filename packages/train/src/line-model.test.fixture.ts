import type { HostTensor, IModel, IOptimizer, ParameterSpec, Params, Random, TensorSpec } from "@pipe/core";
import { hostTensor } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/** `x` [R, 2], `y` [R], `weights` [R]. */
export type LineBatch = { readonly x: tf.Tensor; readonly y: tf.Tensor; readonly weights: tf.Tensor };

/** Specs of a batch of so many rows. */
export const lineSpecs = (rows: number): { readonly [name: string]: TensorSpec } => ({
  x: { shape: [rows, 2], dtype: "float32" },
  y: { shape: [rows], dtype: "float32" },
  weights: { shape: [rows], dtype: "float32" },
});

/** Squared error of y = scale (x · w) + b, with `scale` frozen; `penalty` times |w|² is auxiliary. */
export function lineModel({ penalty = 0, frozen = ["scale"] } = {}): IModel<LineBatch> {
  const parameter = (name: string, shape: number[], init: ParameterSpec["init"]): ParameterSpec => {
    return { name, shape, dtype: "float32", init, decay: false, trainable: !frozen.includes(name) };
  };
  const predict = (params: Params, { x }: LineBatch): tf.Tensor =>
    tf.add(tf.mul(tf.sum(tf.mul(x, params["w"]!), 1), params["scale"]!), params["b"]!);
  return {
    kind: "line",
    config: () => ({ kind: "line" }),
    parameters: () => [
      parameter("w", [2], { kind: "normal", deviation: 0.1 }),
      parameter("b", [], { kind: "zeros" }),
      parameter("scale", [], { kind: "ones" }),
    ],
    forward: (params, batch) => ({ logits: predict(params, batch), hidden: [] }),
    loss: (params, batch) => ({
      lossSum: tf.sum(tf.mul(tf.square(tf.sub(predict(params, batch), batch.y)), batch.weights)),
      weight: tf.sum(batch.weights),
      ...(penalty === 0 ? {} : { auxiliary: tf.mul(penalty, tf.sum(tf.square(params["w"]!))) }),
    }),
  };
}

/** Values with which every update can be computed by hand. */
export const lineValues: { readonly [name: string]: HostTensor } = {
  w: hostTensor([2], Float32Array.of(0.5, -0.25)),
  b: hostTensor([], Float32Array.of(1)),
  scale: hostTensor([], Float32Array.of(1)),
};

/** Rows of y = 2 x₀ - x₁ + 1. */
export function lineRows(rows: number, random: Random): { x: Float32Array; y: Float32Array; weights: Float32Array } {
  const x = Float32Array.from({ length: rows * 2 }, () => random.normal());
  const y = Float32Array.from({ length: rows }, (_, i) => 2 * x[2 * i]! - x[2 * i + 1]! + 1);
  return { x, y, weights: new Float32Array(rows).fill(1) };
}

/** Gradient descent without slots. */
export const descent: IOptimizer = {
  slots: () => [],
  update: ({ params, grads, rate }) => ({
    params: Object.fromEntries(Object.entries(params).map(([n, p]) => [n, tf.sub(p, tf.mul(grads[n]!, rate))])),
    slots: {},
  }),
};

/** Adagrad (Duchi et al., 2011) from a sum of 1, with the average of all parameters seen so far beside it. */
export const averagedAdagrad: IOptimizer = {
  slots: ({ shape }) => [
    { name: "sum", shape, dtype: "float32", init: "ones" },
    { name: "average", shape, dtype: "float32", init: "parameter" },
  ],
  update: ({ params, grads, slots, rate, count }) => {
    const share = tf.div(1, tf.add(tf.cast(count, "float32"), 2));
    const each = Object.entries(params).map(([name, parameter]) => {
      const gradient = grads[name]!;
      const sum = tf.add(slots["sum"]![name]!, tf.square(gradient));
      const next = tf.sub(parameter, tf.mul(rate, tf.div(gradient, tf.sqrt(sum))));
      const before = slots["average"]![name]!;
      return { name, next, sum, average: tf.add(before, tf.mul(share, tf.sub(next, before))) };
    });
    const record = (pick: (made: (typeof each)[number]) => tf.Tensor): Params =>
      Object.fromEntries(each.map((made) => [made.name, pick(made)]));
    return {
      params: record(({ next }) => next),
      slots: { sum: record(({ sum }) => sum), average: record(({ average }) => average) },
    };
  },
};
