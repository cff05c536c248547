import type { DeviceTensor, IEngine, IModel, ITokenizer } from "@pipe/core";
import { hostTensor } from "@pipe/core";
import { sparseCrossEntropy } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";

/** 256 bytes and the end of text. */
export const VOCABULARY = 257;
export const END = 256;

/** UTF-8 bytes as tokens, and an end-of-text token unless it is left out. */
export function byteTokenizer({ endOfText = true } = {}): ITokenizer {
  return {
    id: "bytes",
    vocabulary: VOCABULARY,
    ...(endOfText ? { endOfText: END } : {}),
    byteLengths: new Uint16Array(VOCABULARY).fill(1, 0, 256),
    encode: (text) => Uint32Array.from(new TextEncoder().encode(text)),
    decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids)),
    decoder: () => {
      const decoder = new TextDecoder();
      return {
        push: (id) => decoder.decode(Uint8Array.of(id), { stream: true }),
        end: () => decoder.decode(),
      };
    },
    file: () => "{}",
  };
}

/** The logits of the next token stand in row `id` of `table` [V, V]. */
export const bigramModel: IModel = {
  kind: "bigram",
  config: () => ({ kind: "bigram" }),
  parameters: () => [
    {
      name: "table",
      shape: [VOCABULARY, VOCABULARY],
      dtype: "float32",
      init: { kind: "zeros" },
      decay: false,
      trainable: true,
    },
  ],
  forward: (params, { ids }, { logits: wanted = "all" }) => {
    const [rows, length] = ids.shape as [number, number];
    const logits = tf.reshape(tf.gather(params["table"]!, tf.reshape(ids, [-1]) as tf.Tensor1D), [rows, length, -1]);
    if (wanted === "all") return { logits, hidden: [] };
    const at = tf.oneHot(wanted.at as tf.Tensor1D, length);
    return { logits: tf.sum(tf.mul(logits, tf.expandDims(tf.cast(at, "float32"), -1)), 1), hidden: [] };
  },
  loss: (params, batch, context) => {
    const { logits } = bigramModel.forward(params, batch, context);
    const flat = tf.reshape(logits, [-1, VOCABULARY]);
    const { loss, correct } = sparseCrossEntropy(flat, tf.reshape(batch.targets, [-1]));
    const weights = tf.reshape(batch.weights, [-1]);
    return {
      lossSum: tf.sum(tf.mul(loss, weights)),
      weight: tf.sum(weights),
      sums: { correct: tf.sum(tf.mul(correct, weights)) },
    };
  },
};

/** Says how many tokens it has read. */
export const countingModel: IModel = {
  ...bigramModel,
  forward: (_params, _batch, { logits }) => {
    const { at } = logits as { at: tf.Tensor1D };
    const read = tf.add(at, tf.scalar(1, "int32")) as tf.Tensor1D;
    return { logits: tf.cast(tf.oneHot(read, VOCABULARY), "float32"), hidden: [] };
  },
};

/** A table on the engine in which each pair of tokens has this logit, and all others 0. */
export async function tableOf(
  engine: IEngine,
  pairs: Iterable<readonly [from: number, to: number, logit: number]> = [],
): Promise<{ readonly table: DeviceTensor }> {
  const table = new Float32Array(VOCABULARY * VOCABULARY);
  for (const [from, to, logit] of pairs) table[from * VOCABULARY + to] = logit;
  return engine.put({ table: hostTensor([VOCABULARY, VOCABULARY], table) });
}
