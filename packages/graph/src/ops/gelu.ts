import { defineComposite } from "../composite.ts";
import * as tf from "../tf.ts";

// 0.5 (1 + tanh z) = sigmoid(2 z), so the tanh form is x · sigmoid(x (LINEAR + CUBIC x²)).
const LINEAR = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = LINEAR * 0.044715;

function gate(x: tf.Tensor): tf.Tensor {
  return tf.sigmoid(tf.mul(x, tf.add(tf.mul(tf.square(x), CUBIC), LINEAR)));
}

const op = defineComposite({
  name: "gelu",
  infer: ([x]) => [x!],
  decompose: ([x]) => [tf.mul(x!, gate(x!))],
  gradient: ([dy], { inputs: [x] }) => {
    const s = gate(x!);
    const product = tf.mul(x!, s);
    const slope = tf.add(tf.mul(tf.square(x!), 3 * CUBIC), LINEAR);
    return [tf.mul(dy!, tf.add(s, tf.mul(tf.sub(product, tf.mul(product, s)), slope)))];
  },
});

/** Gaussian error linear unit in GPT-2's tanh form (Hendrycks and Gimpel, 2016), any shape. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return op([x])[0]!;
}
