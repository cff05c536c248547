import type { Params } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { cachedAttention, causalAttention, dropout, updateSlice } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { mergeHeads } from "./heads.ts";
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

/** Multi-head attention over all positions before, or over a window of them. */
function attentionOver(window: { readonly window?: number }): Omit<AttentionStrategy, "kind"> {
  return {
    parameters: (prefix, { width, layers }) => [
      ...linearParameters(`${prefix}.c_attn`, width, 3 * width),
      ...linearParameters(`${prefix}.c_proj`, width, width, residualDeviation(layers)),
    ],
    forward: (x, params, prefix, shape, context) => {
      const { q, k, v } = project(x, params, prefix, shape);
      const mixed = causalAttention(q, k, v, context, { dropout: shape.dropout, ...window });
      return dropout(mergeHeads(mixed, params, prefix, shape), shape.dropout, context);
    },
    cached: {
      heads: ({ width, heads }) => [heads, width / heads],
      prefill: (x, params, prefix, shape, context) => {
        const { q, k, v } = project(x, params, prefix, shape);
        return { y: mergeHeads(causalAttention(q, k, v, context, window), params, prefix, shape), keys: k, values: v };
      },
      decode: (x, params, prefix, shape, { cache, positions }) => {
        const made = project(x, params, prefix, shape);
        return {
          y: mergeHeads(cachedAttention(made, cache, positions, window), params, prefix, shape),
          keys: updateSlice(cache.keys, made.k, positions),
          values: updateSlice(cache.values, made.v, positions),
        };
      },
    },
  };
}

/** Multi-head attention with one product for queries, keys and values, as in GPT-2 (Vaswani et al., 2017). */
export const multiHeadAttention: AttentionStrategy = { kind: "multi-head", ...attentionOver({}) };

/**
 * Multi-head attention in which a position sees itself and the `window` - 1 before it (Child et al., 2019; Beltagy et al.,
 * 2020); what is further back reaches it through the layers below. Its parameters are those of {@link multiHeadAttention}.
 * @throws PipeError `model-invalid`.
 */
export function slidingWindowAttention(window: number): AttentionStrategy {
  if (!Number.isInteger(window) || window < 1) {
    throw new PipeError("model-invalid", "An attention's window must be a positive integer.", {
      got: String(window),
      where: "model.attention.window",
    });
  }
  return { kind: "sliding-window", options: { window }, ...attentionOver({ window }) };
}
