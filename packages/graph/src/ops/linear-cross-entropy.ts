import * as tf from "../tf.ts";
import { sparseCrossEntropy } from "./sparse-cross-entropy.ts";

/**
 * Cross-entropy of the product `hidden` [N, C] · `head`ᵀ [V, C] with the ids `targets` int32 [N], each times its
 * weight [N].
 *
 * Returns `loss` [N] in nats and `correct` [N], both weighted. `vocabulary` (default V) is the number of rows that
 * count: the logits of padding rows after it are left out.
 */
export function linearCrossEntropy(
  hidden: tf.Tensor,
  head: tf.Tensor,
  targets: tf.Tensor,
  weights: tf.Tensor,
  options: { readonly vocabulary?: number } = {},
): { loss: tf.Tensor; correct: tf.Tensor } {
  const rows = options.vocabulary ?? head.shape[0]!;
  const used = rows === head.shape[0] ? head : tf.slice(head, [0, 0], [rows, head.shape[1]!]);
  const { loss, correct } = sparseCrossEntropy(tf.matMul(hidden, used, false, true), targets);
  return { loss: tf.mul(loss, weights), correct: tf.mul(correct, weights) };
}
