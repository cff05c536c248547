import { causalAttention, dropout } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { linear, linearParameters, residualDeviation } from "./linear.ts";
import type { AttentionStrategy } from "./strategies.ts";

/** Multi-head attention with one product for queries, keys and values, as in GPT-2 (Vaswani et al., 2017). */
export const multiHeadAttention: AttentionStrategy = {
  kind: "multi-head",
  parameters: (prefix, { width, layers }) => [
    ...linearParameters(`${prefix}.c_attn`, width, 3 * width),
    ...linearParameters(`${prefix}.c_proj`, width, width, residualDeviation(layers)),
  ],
  forward: (x, params, prefix, { width, heads, dropout: rate }, context) => {
    const [batch, positions] = x.shape as [number, number, number];
    const size = width / heads;
    const joint = tf.reshape(linear(x, params, `${prefix}.c_attn`), [batch, positions, 3, heads, size]);
    const [q, k, v] = tf.unstack(tf.transpose(joint, [2, 0, 3, 1, 4]), 0) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const mixed = causalAttention(q, k, v, context, { dropout: rate });
    const merged = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, positions, width]);
    return dropout(linear(merged, params, `${prefix}.c_proj`), rate, context);
  },
};
