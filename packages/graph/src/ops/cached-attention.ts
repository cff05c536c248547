import * as tf from "../tf.ts";
import { MASKED } from "./causal-attention.ts";
import { defineComposite } from "../composite.ts";

const write = defineComposite({
  name: "updateSlice",
  infer: ([cache]) => [cache!],
  decompose: ([cache, rows, positions]) => {
    const isPlace = tf.equal(tf.range(0, cache!.shape[2]!, 1, "int32"), tf.expandDims(positions!, 1));
    const mask = tf.reshape(isPlace, [cache!.shape[0]!, 1, cache!.shape[2]!, 1]);
    const everywhere = tf.ones(cache!.shape, "bool");
    return [tf.where(tf.logicalAnd(mask, everywhere), tf.add(rows!, tf.zerosLike(cache!)), cache!)];
  },
});

/**
 * `cache` [B, H, S, D] with `rows` [B, H, 1, D] at `positions` int32 [B] of the third axis. An engine writes a donated
 * cache in place where this result is only an output. No gradient.
 */
export function updateSlice(cache: tf.Tensor, rows: tf.Tensor, positions: tf.Tensor): tf.Tensor {
  return write([cache, rows, positions])[0]!;
}

/**
 * Attention of one new token a row to those before it, whose keys and values are cached, and to itself.
 *
 * `q`, `k`, `v` [B, H, 1, D] of the new tokens, `keys`, `values` [B, H, S, D] of which the first `positions` int32 [B]
 * places count → [B, H, 1, D]. It reads the old cache, so that the new one need not be made first. `scale` defaults to 1/√D;
 * with `window` a token sees that many, itself and those just before it.
 */
export function cachedAttention(
  { q, k, v }: { readonly q: tf.Tensor; readonly k: tf.Tensor; readonly v: tf.Tensor },
  cache: { readonly keys: tf.Tensor; readonly values: tf.Tensor },
  positions: tf.Tensor,
  options: { readonly scale?: number; readonly window?: number } = {},
): tf.Tensor {
  const { scale = 1 / Math.sqrt(q.shape.at(-1)!), window } = options;
  const [batch, heads, capacity] = cache.keys.shape as [number, number, number];
  const [place, position] = [tf.range(0, capacity, 1, "int32"), tf.expandDims(positions, 1)];
  const isEmpty = tf.greaterEqual(place, position);
  const isHidden =
    window === undefined
      ? isEmpty
      : tf.logicalOr(isEmpty, tf.lessEqual(place, tf.sub(position, tf.scalar(window, "int32"))));
  const mask = tf.reshape(tf.mul(tf.cast(isHidden, "float32"), MASKED), [batch, 1, 1, capacity]);
  const before = tf.add(tf.mul(tf.matMul(q, cache.keys, false, true), scale), mask);
  const itself = tf.mul(tf.sum(tf.mul(q, k), -1, true), scale);
  const probabilities = tf.softmax(tf.concat([before, itself], -1));
  const [old, own] = tf.split(probabilities, [capacity, 1], -1) as [tf.Tensor, tf.Tensor];
  return tf.reshape(tf.add(tf.matMul(old, cache.values), tf.mul(own, v)), [batch, heads, 1, -1]);
}
