import type { Params } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { linear } from "./linear.ts";
import type { BlockShape } from "./strategies.ts";

/** Heads [B, H, T, D] side by side, projected by `c_proj` to [B, T, C]. */
export function mergeHeads(mixed: tf.Tensor, params: Params, prefix: string, { width }: BlockShape): tf.Tensor {
  const [batch, , positions] = mixed.shape as [number, number, number, number];
  return linear(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, positions, width]), params, `${prefix}.c_proj`);
}
