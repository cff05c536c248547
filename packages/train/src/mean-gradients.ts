import type { IGradientProcessor } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/** Makes the gradients of the mean loss without clipping, and refuses an update whose gradients are not finite. */
export const meanGradients: IGradientProcessor = {
  process({ grads, weight, slots }) {
    const mean = Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, tf.div(gradient, weight)]));
    const squares = Object.values(mean).map((gradient) => tf.sum(tf.square(gradient)));
    const norm = tf.sqrt(squares.reduce((a, b) => tf.add(a, b)));
    return { grads: mean, norm, accept: tf.isFinite(norm), slots };
  },
};
