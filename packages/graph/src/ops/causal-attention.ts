import type { ForwardContext } from "@pipe/core";
import { defineComposite } from "../composite.ts";
import type { Attributes } from "../graph.ts";
import * as tf from "../tf.ts";
import { randomMask } from "./random-mask.ts";

/** Added to scores that must not count, of later positions or empty places: their exponentials are 0 exactly. */
export const MASKED = -1e9;

function probabilitiesOf(q: tf.Tensor, k: tf.Tensor, { scale, window }: Attributes): tf.Tensor {
  const [rows, columns] = [q.shape.at(-2)!, k.shape.at(-2)!];
  const row = tf.expandDims(tf.range(columns - rows, columns, 1, "int32"), 1);
  const column = tf.range(0, columns, 1, "int32");
  const isLater = tf.greater(column, row);
  const isHidden =
    window === undefined
      ? isLater
      : tf.logicalOr(isLater, tf.lessEqual(column, tf.sub(row, tf.scalar(window as number, "int32"))));
  const scores = tf.mul(tf.matMul(q, k, false, true), scale as number);
  return tf.softmax(tf.add(scores, tf.mul(tf.cast(isHidden, "float32"), MASKED)));
}

/** The dropout mask of the probabilities, scaled, where there is one. */
function maskOf(
  seed: tf.Tensor | undefined,
  shape: readonly number[],
  { rate, place }: Attributes,
): tf.Tensor | undefined {
  if (seed === undefined) return undefined;
  return tf.mul(randomMask(seed, place as number, shape, rate as number), 1 / (1 - (rate as number)));
}

const forward = defineComposite({
  name: "causalAttention",
  infer: ([q, , v]) => [{ shape: [...q!.shape.slice(0, -1), v!.shape.at(-1)!], dtype: "float32" }],
  decompose: ([q, k, v, seed], attributes) => {
    const p = probabilitiesOf(q!, k!, attributes);
    const mask = maskOf(seed, p.shape, attributes);
    return [tf.matMul(mask === undefined ? p : tf.mul(p, mask), v!)];
  },
  gradient: ([dy], { inputs: [q, k, v, seed], outputs: [y] }, attributes) => {
    const inputs = [q!, k!, v!, y!, dy!, ...(seed === undefined ? [] : [seed])];
    return [...backward(inputs, attributes), undefined];
  },
});

const backward = defineComposite({
  name: "causalAttentionGradient",
  infer: ([q, k, v]) => [q!, k!, v!],
  // The probabilities are the forward pass's own nodes once common subexpressions are merged.
  decompose: ([q, k, v, y, dy, seed], attributes) => {
    const scale = attributes["scale"] as number;
    const p = probabilitiesOf(q!, k!, attributes);
    const mask = maskOf(seed, p.shape, attributes);
    const dv = tf.matMul(mask === undefined ? p : tf.mul(p, mask), dy!, true, false);
    const dMasked = tf.matMul(dy!, v!, false, true);
    const dProbabilities = mask === undefined ? dMasked : tf.mul(dMasked, mask);
    // The sum of p · dp over a row is that of y · dy, which is D wide instead of S (Dao et al., 2022).
    const along = tf.sum(tf.mul(y!, dy!), -1, true);
    const dScores = tf.mul(tf.mul(p, tf.sub(dProbabilities, along)), scale);
    return [tf.matMul(dScores, k!), tf.matMul(dScores, q!, true, false), dv];
  },
});

/**
 * Scaled dot-product attention in which no position sees a later one (Vaswani et al., 2017).
 *
 * `q` [B, H, T, D], `k` [B, H, S, D], `v` [B, H, S, E] with S ≥ T: the last query stands at the last key. → [B, H, T, E].
 * `scale` defaults to 1/√D; `dropout` applies to the probabilities while `context.training`; with `window` a position sees
 * that many, itself and those just before it (Child et al., 2019).
 */
export function causalAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  context: ForwardContext,
  options: { readonly scale?: number; readonly dropout?: number; readonly window?: number } = {},
): tf.Tensor {
  const scale = options.scale ?? 1 / Math.sqrt(q.shape.at(-1)!);
  const rate = options.dropout ?? 0;
  const { window } = options;
  const attributes: Attributes = window === undefined || window >= k.shape.at(-2)! ? { scale } : { scale, window };
  if (!context.training || rate === 0) return forward([q, k, v], attributes)[0]!;
  return forward([q, k, v, context.seed], { ...attributes, rate, place: context.place() })[0]!;
}
