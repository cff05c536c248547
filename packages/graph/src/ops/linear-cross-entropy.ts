import { defineComposite } from "../composite.ts";
import * as tf from "../tf.ts";
import { softmaxError, sparseCrossEntropy } from "./sparse-cross-entropy.ts";

const op = defineComposite({
  name: "linearCrossEntropy",
  infer: ([, , targets]) => {
    const each = { shape: targets!.shape, dtype: "float32" as const };
    return [each, each];
  },
  decompose: ([hidden, head, targets, weights]) => {
    const { loss, correct } = sparseCrossEntropy(tf.matMul(hidden!, head!, false, true), targets!);
    return [tf.mul(loss, weights!), tf.mul(correct, weights!)];
  },
  // Scaling rows commutes with both products: it is done on C columns instead of V.
  gradient: ([dy], { inputs: [hidden, head, targets, weights] }) => {
    const error = softmaxError(tf.softmax(tf.matMul(hidden!, head!, false, true)), targets!);
    const scale = tf.expandDims(tf.mul(dy!, weights!), 1);
    return [
      tf.mul(tf.matMul(error, head!), scale),
      tf.matMul(error, tf.mul(hidden!, scale), true, false),
      undefined,
      undefined,
    ];
  },
});

/**
 * Cross-entropy of the product `hidden` [N, C] · `head`ᵀ [V, C] with the ids `targets` int32 [N], each times its
 * weight [N], which has no gradient.
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
  const [loss, correct] = op([hidden, used, targets, weights]) as [tf.Tensor, tf.Tensor];
  return { loss, correct };
}
