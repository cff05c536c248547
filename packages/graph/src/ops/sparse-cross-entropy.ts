import { defineComposite } from "../composite.ts";
import * as tf from "../tf.ts";

/** int32 [N]: places of the target logits in the flattened logits. */
function flatPlaces(targets: tf.Tensor, vocabulary: number): tf.Tensor1D {
  const starts = tf.range(0, targets.size * vocabulary, vocabulary, "int32");
  return tf.add(starts, targets);
}

/**
 * Losses and hits of logits, and the probabilities on the way. log-sum-exp = max(logits) - log(max(softmax)): one pass of
 * softmax, and max(softmax) ≥ 1/V cannot underflow.
 */
export function crossEntropyOf(
  logits: tf.Tensor,
  targets: tf.Tensor,
): { readonly probabilities: tf.Tensor; readonly loss: tf.Tensor; readonly correct: tf.Tensor } {
  const probabilities = tf.softmax(logits);
  const largest = tf.max(logits, -1);
  const logSumExp = tf.sub(largest, tf.log(tf.max(probabilities, -1)));
  const target = tf.gather(tf.reshape(logits, [logits.size]), flatPlaces(targets, logits.shape[1]!));
  const correct = tf.cast(tf.greaterEqual(target, largest), "float32");
  return { probabilities, loss: tf.sub(logSumExp, target), correct };
}

const forward = defineComposite({
  name: "sparseCrossEntropy",
  infer: ([logits]) => {
    const each = { shape: [logits!.shape[0]!], dtype: "float32" as const };
    return [each, each];
  },
  decompose: ([logits, targets]) => {
    const { loss, correct } = crossEntropyOf(logits!, targets!);
    return [loss, correct];
  },
  // dy (softmax - one-hot), where the one-hot part touches one element a row.
  gradient: ([dy], { inputs: [logits, targets] }) => {
    const places = flatPlaces(targets!, logits!.shape[1]!);
    const hot = tf.unsortedSegmentSum(tf.neg(dy!) as tf.Tensor1D, places, logits!.size);
    return [tf.add(tf.mul(tf.softmax(logits!), tf.expandDims(dy!, 1)), tf.reshape(hot, logits!.shape)), undefined];
  },
});

/**
 * Cross-entropy of `logits` [N, V] with the ids `targets` int32 [N], without one-hot vectors.
 *
 * Returns `loss` [N] in nats and `correct` [N], 1 where no logit is larger than the target's.
 */
export function sparseCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): { loss: tf.Tensor; correct: tf.Tensor } {
  const [loss, correct] = forward([logits, targets]) as [tf.Tensor, tf.Tensor];
  return { loss, correct };
}
