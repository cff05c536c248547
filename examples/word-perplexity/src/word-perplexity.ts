import type { IMetric, ITokenizer } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/**
 * e to the loss of a whole word: among how many equally likely words the model chooses. Unlike perplexity it can be compared
 * between tokenizers. A word ends with white space. NaN where no target holds any.
 */
export function wordPerplexity(tokenizer: ITokenizer): IMetric {
  const words = Float32Array.from({ length: tokenizer.vocabulary }, (_, id) => {
    return tokenizer.decode([id]).match(/\s+/g)?.length ?? 0;
  });
  return {
    name: "wordPerplexity",
    better: "lower",
    // Traced into the evaluation program: `words` becomes a constant of it, and nothing but one sum leaves the device.
    sums: (_, { targets, weights }) => {
      const ended = tf.gather(tf.tensor1d(words), tf.reshape(targets, [-1]) as tf.Tensor1D);
      return { words: tf.sum(tf.mul(ended, tf.reshape(weights, [-1]))) };
    },
    value: ({ lossSum, words }) => (words! > 0 ? Math.exp(lossSum! / words!) : Number.NaN),
  };
}
