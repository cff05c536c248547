import type { IModel, ParameterSpec } from "@pipe/core";
import { sparseCrossEntropy } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";

const WIDTH = 48;
const weight = (name: string, inputs: number, outputs: number): ParameterSpec => ({
  name,
  shape: [inputs, outputs],
  dtype: "float32",
  init: { kind: "normal", deviation: 1 / Math.sqrt(inputs) },
  decay: false,
  trainable: true,
});
const bias = (name: string): ParameterSpec => ({ ...weight(name, 1, WIDTH), shape: [WIDTH], init: { kind: "zeros" } });

/** Two hidden layers that say to which of two classes a point of the plane belongs: plain tfjs, nothing else. */
export const classifier: IModel<{ readonly points: tf.Tensor; readonly labels: tf.Tensor }> = {
  kind: "classifier",
  config: () => ({ width: WIDTH }),
  parameters: () => [
    weight("w1", 2, WIDTH),
    bias("b1"),
    weight("w2", WIDTH, WIDTH),
    bias("b2"),
    weight("w3", WIDTH, 2),
  ],
  forward: ({ w1, b1, w2, b2, w3 }, { points }) => {
    const first = tf.tanh(tf.add(tf.matMul(points, w1!), b1!));
    const second = tf.tanh(tf.add(tf.matMul(first, w2!), b2!));
    return { logits: tf.matMul(second, w3!), hidden: [first, second] };
  },
  loss: (params, batch, context) => {
    const { logits } = classifier.forward(params, batch, context);
    const { loss, correct } = sparseCrossEntropy(logits, batch.labels);
    return { lossSum: tf.sum(loss), weight: tf.scalar(loss.size), sums: { correct: tf.sum(correct) } };
  },
};
