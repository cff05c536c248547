import type { IDecoder, IModel, Params, TokenBatch } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";

/** A context without dropout. */
const context = (): ReturnType<typeof forwardContext> =>
  forwardContext({ training: false, seed: tf.zeros([2], "int32") });

/** Inputs of {@link lossProgram}. */
export type LossInputs = { readonly params: Params; readonly batch: TokenBatch };
/** Summed loss in nats and summed weight of a batch. */
export type LossSums = { readonly lossSum: tf.Tensor; readonly weight: tf.Tensor };

/** The loss of a batch, without gradients. */
export function lossProgram(model: IModel): (inputs: LossInputs) => LossSums {
  return ({ params, batch }) => {
    const { lossSum, weight } = model.loss(params, batch, context());
    return { lossSum, weight };
  };
}

/** Inputs of {@link embeddingProgram}: int32 and float32 [B, T]; a weight of 0 leaves a token out. */
export type EmbeddingInputs = { readonly params: Params; readonly ids: tf.Tensor; readonly weights: tf.Tensor };

/**
 * Sums [B, C] of hidden states over tokens and layers, each first brought to length 1, so that no layer outweighs the others.
 */
export function embeddingProgram(model: IModel): (inputs: EmbeddingInputs) => { readonly sums: tf.Tensor } {
  return ({ params, ids, weights }) => {
    const { hidden } = model.forward(params, { ids, targets: ids, weights }, context());
    const unit = hidden.map((states) => tf.mul(states, tf.rsqrt(tf.add(tf.sum(tf.square(states), -1, true), 1e-12))));
    const mixed = unit.reduce((a, b) => tf.add(a, b));
    return { sums: tf.sum(tf.mul(mixed, tf.expandDims(weights, -1)), 1) };
  };
}

/** Logits [B, V] for the next token, and the cache of keys and values. */
export type DecodingStep = { readonly logits: tf.Tensor; readonly cache: Params };
/** Inputs of {@link prefillProgram}: ids int32 [B, P], right-padded, and lengths int32 [B]. */
export type PrefillInputs = { readonly params: Params; readonly ids: tf.Tensor; readonly lengths: tf.Tensor };
/** Inputs of {@link decodeProgram}: ids and positions int32 [B]. */
export type DecodeInputs = {
  readonly params: Params;
  readonly ids: tf.Tensor;
  readonly positions: tf.Tensor;
  readonly cache: Params;
};

/** Reads prompts. */
export function prefillProgram(decoder: IDecoder): (inputs: PrefillInputs) => DecodingStep {
  return ({ params, ids, lengths }) => decoder.prefill(params, { ids, lengths }, context());
}

/** Reads one token a row. */
export function decodeProgram(decoder: IDecoder): (inputs: DecodeInputs) => DecodingStep {
  return ({ params, ids, positions, cache }) => decoder.decode(params, { ids, positions, cache }, context());
}
