import { PipeError } from "@pipe/core";
import { defineComposite } from "../composite.ts";
import type { Attributes } from "../graph.ts";
import * as tf from "../tf.ts";
import { barrier } from "./barrier.ts";
import { crossEntropyOf } from "./sparse-cross-entropy.ts";

/** Logits of one chunk should stay below this many bytes, */
const CHUNK_BYTES = 2 ** 24;
/** unless the chunk had fewer rows than this, or than the width: products of few rows are slow, and each chunk adds a [V, C]. */
const CHUNK_ROWS = 256;

type Inputs = readonly [hidden: tf.Tensor, head: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor];

/** Hidden states, targets and weights of a chunk of rows. */
function chunkOf([hidden, , targets, weights]: Inputs, begin: number, rows: number): tf.Tensor[] {
  if (rows === hidden.shape[0]) return [hidden, targets, weights];
  return [
    tf.slice(hidden, [begin, 0], [rows, hidden.shape[1]!]),
    ...[targets, weights].map((x) => tf.slice(x, [begin], [rows])),
  ];
}

/** Sizes of the chunks: as equal as can be. */
function chunkSizes(rows: number, chunks: number): readonly number[] {
  return Array.from(
    { length: chunks },
    (_, i) => Math.floor(((i + 1) * rows) / chunks) - Math.floor((i * rows) / chunks),
  );
}

/** Weighted losses and hits of a chunk's logits, and its probabilities. */
function crossEntropy(
  logits: tf.Tensor,
  targets: tf.Tensor,
  weights: tf.Tensor,
): { readonly probabilities: tf.Tensor; readonly loss: tf.Tensor; readonly correct: tf.Tensor } {
  const { probabilities, loss, correct } = crossEntropyOf(logits, targets);
  return { probabilities, loss: tf.sum(tf.mul(loss, weights)), correct: tf.mul(correct, weights) };
}

/** Runs a body for each chunk, the next one after what the last one made. */
function forChunks(
  inputs: Inputs,
  { chunks }: Attributes,
  body: (hidden: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) => readonly tf.Tensor[],
): void {
  let begin = 0;
  let made: readonly tf.Tensor[] = [];
  for (const rows of chunkSizes(inputs[0].shape[0]!, chunks as number)) {
    const [hidden, targets, weights] = chunkOf(inputs, begin, rows) as [tf.Tensor, tf.Tensor, tf.Tensor];
    made = body(made.length === 0 ? hidden : barrier(hidden, made), targets, weights);
    begin += rows;
  }
}

const addAll = (parts: readonly tf.Tensor[]): tf.Tensor => parts.reduce((a, b) => tf.add(a, b));
const joined = (parts: readonly tf.Tensor[]): tf.Tensor => (parts.length === 1 ? parts[0]! : tf.concat([...parts]));

const forward = defineComposite({
  name: "linearCrossEntropy",
  infer: ([, , targets]) => [
    { shape: [], dtype: "float32" },
    { shape: targets!.shape, dtype: "float32" },
  ],
  decompose: (inputs, attributes) => {
    const [losses, hits]: tf.Tensor[][] = [[], []];
    forChunks(inputs as Inputs, attributes, (hidden, targets, weights) => {
      const { loss, correct } = crossEntropy(tf.matMul(hidden, inputs[1]!, false, true), targets, weights);
      losses!.push(loss);
      hits!.push(correct);
      return [loss];
    });
    return [addAll(losses!), joined(hits!)];
  },
  gradient: ([dy], { inputs }, attributes) => {
    const [, , dHidden, dHead] = withGradients(inputs, attributes);
    return [tf.mul(dHidden!, dy!), tf.mul(dHead!, dy!), undefined, undefined];
  },
});

/** The same together with its gradients, so that a chunk's probabilities are used for both and then forgotten. */
const withGradients = defineComposite({
  name: "linearCrossEntropyWithGradients",
  covers: "linearCrossEntropy",
  infer: ([hidden, head, targets]) => [
    { shape: [], dtype: "float32" },
    { shape: targets!.shape, dtype: "float32" },
    hidden!,
    head!,
  ],
  decompose: (inputs, attributes) => {
    const [hidden, head, targets, weights] = inputs as Inputs;
    const [losses, hits, errors, products]: tf.Tensor[][] = [[], [], [], []];
    forChunks(inputs as Inputs, attributes, (rows, rowTargets, rowWeights) => {
      const column = tf.expandDims(rowWeights, 1);
      const logits = tf.matMul(rows, head, false, true);
      const { probabilities, loss, correct } = crossEntropy(logits, rowTargets, rowWeights);
      // softmax minus one-hot, where the one-hot part is a lookup, and weights are applied to C columns instead of V.
      const error = tf.mul(tf.sub(tf.matMul(probabilities, head), tf.gather(head, rowTargets as tf.Tensor1D)), column);
      const product = tf.matMul(probabilities, tf.mul(rows, column), true, false);
      const sum = products!.length === 0 ? product : tf.add(products!.at(-1)!, product);
      losses!.push(loss);
      hits!.push(correct);
      errors!.push(error);
      products!.push(sum);
      return [loss, error, sum];
    });
    const weighted = tf.mul(hidden, tf.expandDims(tf.neg(weights), 1));
    const oneHot = tf.unsortedSegmentSum(weighted, targets as tf.Tensor1D, head.shape[0]!);
    return [addAll(losses!), joined(hits!), joined(errors!), tf.add(products!.at(-1)!, oneHot)];
  },
});

/**
 * Cross-entropy of the product `hidden` [N, C] · `head`ᵀ [V, C] with the ids `targets` int32 [N], each times its
 * weight [N], which has no gradient.
 *
 * Returns `lossSum`, the weighted sum in nats, and `correct` [N], weighted, without gradient. The N · V logits are formed
 * and differentiated chunk by chunk, never whole: `chunks` (default: logits of at most 16 MiB, but at least 256 rows, and at least C).
 * `vocabulary` (default V) is the number of rows that count: the logits of padding rows after it are left out.
 * @throws PipeError `chunks-invalid`.
 */
export function linearCrossEntropy(
  hidden: tf.Tensor,
  head: tf.Tensor,
  targets: tf.Tensor,
  weights: tf.Tensor,
  options: { readonly vocabulary?: number; readonly chunks?: number } = {},
): { lossSum: tf.Scalar; correct: tf.Tensor } {
  const [rows, vocabulary] = [hidden.shape[0]!, options.vocabulary ?? head.shape[0]!];
  const used = vocabulary === head.shape[0] ? head : tf.slice(head, [0, 0], [vocabulary, head.shape[1]!]);
  const byBytes = Math.ceil((4 * rows * vocabulary) / CHUNK_BYTES);
  const chunks =
    options.chunks ?? Math.max(1, Math.min(byBytes, Math.floor(rows / Math.max(CHUNK_ROWS, hidden.shape[1]!))));
  if (!Number.isInteger(chunks) || chunks < 1 || chunks > rows) {
    throw new PipeError("chunks-invalid", "The rows cannot be split into that many chunks.", {
      expected: `an integer from 1 to ${rows}`,
      got: String(chunks),
    });
  }
  const [lossSum, correct] = forward([hidden, used, targets, weights], { chunks }) as [tf.Scalar, tf.Tensor];
  return { lossSum, correct };
}
