import { defineComposite } from "../composite.ts";
import * as tf from "../tf.ts";

const op = defineComposite({
  name: "layerNorm",
  infer: ([x]) => {
    const statistic = { shape: [...x!.shape.slice(0, -1), 1], dtype: "float32" as const };
    return [x!, statistic, statistic];
  },
  decompose: ([x, gain, bias], { epsilon }) => {
    const mean = tf.mean(x!, -1, true);
    const centred = tf.sub(x!, mean);
    const variance = tf.mean(tf.square(centred), -1, true);
    const inverse = tf.rsqrt(tf.add(variance, epsilon as number));
    return [tf.add(tf.mul(tf.mul(centred, inverse), gain!), bias!), mean, inverse];
  },
  gradient: ([dy], { inputs: [x, gain], outputs: [, mean, inverse] }) => {
    const axes = x!.shape.slice(0, -1).map((_, i) => i);
    const width = x!.shape.at(-1)!;
    const normal = tf.mul(tf.sub(x!, mean!), inverse!);
    const moved = tf.mul(dy!, normal);
    // The mean of a row times the gain, as a product: no array of the input's size is made for it.
    const column = tf.reshape(tf.mul(gain!, 1 / width), [width, 1]);
    const rowMean = (rows: tf.Tensor): tf.Tensor =>
      tf.reshape(tf.matMul(tf.reshape(rows, [-1, width]), column), [...x!.shape.slice(0, -1), 1]);
    const scaled = tf.mul(dy!, gain!);
    const dx = tf.mul(tf.sub(tf.sub(scaled, rowMean(dy!)), tf.mul(normal, rowMean(moved))), inverse!);
    return [dx, tf.sum(moved, axes), tf.sum(dy!, axes)];
  },
});

/**
 * Normalises the last axis to mean 0 and variance 1, then scales and shifts it (Ba et al., 2016).
 *
 * `x` [..., C], `gain` [C], `bias` [C] → [..., C]; `epsilon` (default 1e-5) is added to the variance.
 */
export function layerNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor, epsilon = 1e-5): tf.Tensor {
  return op([x, gain, bias], { epsilon })[0]!;
}
