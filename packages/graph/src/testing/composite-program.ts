import { forwardContext } from "../forward-context.ts";
import { causalAttention, dropout, embedding, gelu, layerNorm, linearCrossEntropy } from "../ops/index.ts";
import * as tf from "../tf.ts";

/** Tensors by name. */
export type Tensors = { readonly [name: string]: tf.Tensor };

/** A small language model with every composite op, and its gradients. */
export function compositeProgram({ table, gain, bias, ids, targets, weights, seed }: Tensors): Tensors {
  const f = (...[w, g, b]: tf.Tensor[]): tf.Scalar => {
    const here = forwardContext({ training: true, seed: seed! });
    const x = layerNorm(dropout(embedding(w!, ids!), 0.25, here), g!, b!);
    const heads = tf.reshape(tf.transpose(tf.reshape(gelu(x), [2, 5, 2, 4]), [0, 2, 1, 3]), [2, 2, 5, 4]);
    const mixed = causalAttention(heads, heads, heads, here, { dropout: 0.5 });
    const hidden = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [10, 8]);
    const [flatTargets, flatWeights] = [tf.reshape(targets!, [10]), tf.reshape(weights!, [10])];
    return linearCrossEntropy(hidden, w!, flatTargets, flatWeights, { chunks: 3 }).lossSum;
  };
  const { value, grads } = tf.valueAndGrads(f)([table!, gain!, bias!]);
  return { loss: value, table: grads[0]!, gain: grads[1]!, bias: grads[2]! };
}
