import type { Params } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { cachedAttention, causalAttention, dropout, updateSlice } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { linear, linearParameters, residualDeviation } from "./linear.ts";
import { mergeHeads } from "./heads.ts";
import type { AttentionStrategy, BlockShape } from "./strategies.ts";

/** Heads [B, G, T, D] repeated to [B, H, T, D], each for its group of queries. */
function repeat(x: tf.Tensor, heads: number): tf.Tensor {
  const [batch, groups, positions, size] = x.shape as [number, number, number, number];
  const times = heads / groups;
  // A product that broadcasts, because tfjs has no gradient of tile() for five dimensions.
  const tiled = tf.mul(tf.expandDims(x, 2), tf.ones([1, 1, times, 1, 1]));
  return tf.reshape(tiled, [batch, heads, positions, size]);
}

/**
 * Attention in which groups of query heads share keys and values (Ainslie et al., 2023, "GQA"): the cache of generation and
 * its reading shrink by heads / groups. One group is multi-query attention (Shazeer, 2019).
 *
 * Parameters: `c_q` [C, C], `c_kv` [C, 2 · groups · C / heads], `c_proj` [C, C], each with a bias.
 * @throws PipeError `model-invalid` where the groups do not divide the heads.
 */
export function groupedQueryAttention(groups: number): AttentionStrategy {
  const sizeOf = ({ width, heads }: BlockShape): number => {
    if (Number.isInteger(groups) && groups > 0 && heads % groups === 0) return width / heads;
    throw new PipeError("model-invalid", "The groups of an attention must divide its heads.", {
      expected: `a divisor of ${heads}`,
      got: String(groups),
      where: "model.attention.groups",
    });
  };
  const split = (x: tf.Tensor, count: number, size: number): tf.Tensor => {
    const [batch, positions] = x.shape as [number, number, number];
    return tf.transpose(tf.reshape(x, [batch, positions, count, size]), [0, 2, 1, 3]);
  };
  const project = (x: tf.Tensor, params: Params, prefix: string, shape: BlockShape) => {
    const size = sizeOf(shape);
    const [k, v] = tf.split(linear(x, params, `${prefix}.c_kv`), 2, -1) as [tf.Tensor, tf.Tensor];
    return {
      q: split(linear(x, params, `${prefix}.c_q`), shape.heads, size),
      k: split(k, groups, size),
      v: split(v, groups, size),
    };
  };
  return {
    kind: "grouped-query",
    options: { groups },
    parameters: (prefix, shape) => [
      ...linearParameters(`${prefix}.c_q`, shape.width, shape.width),
      ...linearParameters(`${prefix}.c_kv`, shape.width, 2 * groups * sizeOf(shape)),
      ...linearParameters(`${prefix}.c_proj`, shape.width, shape.width, residualDeviation(shape.layers)),
    ],
    forward: (x, params, prefix, shape, context) => {
      const { q, k, v } = project(x, params, prefix, shape);
      const [keys, values] = [repeat(k, shape.heads), repeat(v, shape.heads)];
      const mixed = causalAttention(q, keys, values, context, { dropout: shape.dropout });
      return dropout(mergeHeads(mixed, params, prefix, shape), shape.dropout, context);
    },
    cached: {
      heads: (shape) => [groups, sizeOf(shape)],
      prefill: (x, params, prefix, shape, context) => {
        const { q, k, v } = project(x, params, prefix, shape);
        const mixed = causalAttention(q, repeat(k, shape.heads), repeat(v, shape.heads), context);
        return { y: mergeHeads(mixed, params, prefix, shape), keys: k, values: v };
      },
      decode: (x, params, prefix, shape, { cache, positions }) => {
        const { q, k, v } = project(x, params, prefix, shape);
        const { heads } = shape;
        const own = { q, k: repeat(k, heads), v: repeat(v, heads) };
        const before = { keys: repeat(cache.keys, heads), values: repeat(cache.values, heads) };
        return {
          y: mergeHeads(cachedAttention(own, before, positions), params, prefix, shape),
          keys: updateSlice(cache.keys, k, positions),
          values: updateSlice(cache.values, v, positions),
        };
      },
    },
  };
}
