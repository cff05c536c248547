import type { Params } from "@pipe/core";
import { cachedAttention, causalAttention, dropout, updateSlice } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { linear, linearParameters, residualDeviation } from "./linear.ts";
import type { AttentionStrategy, BlockShape } from "./strategies.ts";

type Projected = { readonly q: tf.Tensor; readonly k: tf.Tensor; readonly v: tf.Tensor };

/** Queries, keys and values [B, H, T, D] of `x` [B, T, C], by one product. */
function project(x: tf.Tensor, params: Params, prefix: string, { width, heads }: BlockShape): Projected {
  const [batch, positions] = x.shape as [number, number, number];
  const joint = tf.reshape(linear(x, params, `${prefix}.c_attn`), [batch, positions, 3, heads, width / heads]);
  const [q, k, v] = tf.unstack(tf.transpose(joint, [2, 0, 3, 1, 4]), 0) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { q, k, v };
}

/** Heads [B, H, T, D] side by side, projected to [B, T, C]. */
function merge(mixed: tf.Tensor, params: Params, prefix: string, { width }: BlockShape): tf.Tensor {
  const [batch, , positions] = mixed.shape as [number, number, number, number];
  return linear(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, positions, width]), params, `${prefix}.c_proj`);
}

/** Multi-head attention with one product for queries, keys and values, as in GPT-2 (Vaswani et al., 2017). */
export const multiHeadAttention: AttentionStrategy = {
  kind: "multi-head",
  parameters: (prefix, { width, layers }) => [
    ...linearParameters(`${prefix}.c_attn`, width, 3 * width),
    ...linearParameters(`${prefix}.c_proj`, width, width, residualDeviation(layers)),
  ],
  forward: (x, params, prefix, shape, context) => {
    const { q, k, v } = project(x, params, prefix, shape);
    const mixed = causalAttention(q, k, v, context, { dropout: shape.dropout });
    return dropout(merge(mixed, params, prefix, shape), shape.dropout, context);
  },
  cached: {
    heads: ({ width, heads }) => [heads, width / heads],
    prefill: (x, params, prefix, shape, context) => {
      const { q, k, v } = project(x, params, prefix, shape);
      return { y: merge(causalAttention(q, k, v, context), params, prefix, shape), keys: k, values: v };
    },
    decode: (x, params, prefix, shape, { cache, positions }) => {
      const made = project(x, params, prefix, shape);
      return {
        y: merge(cachedAttention(made, cache, positions), params, prefix, shape),
        keys: updateSlice(cache.keys, made.k, positions),
        values: updateSlice(cache.values, made.v, positions),
      };
    },
  },
};
