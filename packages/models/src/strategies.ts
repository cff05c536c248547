import type { ForwardContext, ParameterSpec, Params } from "@pipe/core";
import type * as tf from "@pipe/graph/tf";

/** Sizes that the parts of a block need. */
export type BlockShape = {
  readonly width: number;
  readonly heads: number;
  /** Channels inside the MLP. */
  readonly hidden: number;
  /** Number of blocks, for the initialisation of residual projections. */
  readonly layers: number;
  readonly dropout: number;
};

/** Mixes positions: from [B, T, C] to [B, T, C], with parameters of its own. */
export interface AttentionStrategy {
  readonly kind: string;
  /** Its parameters; names continue `prefix`, as in `h.0.attn.c_attn.weight`. */
  parameters(prefix: string, shape: BlockShape): readonly ParameterSpec[];
  /** `x` [B, T, C]; positions never see later ones. */
  forward(x: tf.Tensor, params: Params, prefix: string, shape: BlockShape, context: ForwardContext): tf.Tensor;
}

/** Transforms each position by itself: from [B, T, C] to [B, T, C], with parameters of its own. */
export interface MLPStrategy {
  readonly kind: string;
  /** Its parameters; names continue `prefix`, as in `h.0.mlp.c_fc.weight`. */
  parameters(prefix: string, shape: BlockShape): readonly ParameterSpec[];
  forward(x: tf.Tensor, params: Params, prefix: string, shape: BlockShape, context: ForwardContext): tf.Tensor;
}
