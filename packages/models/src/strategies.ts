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
  /** What makes it again beside its kind; stored with the model. */
  readonly options?: { readonly [name: string]: number };
  /** Its parameters; names continue `prefix`, as in `h.0.attn.c_attn.weight`. */
  parameters(prefix: string, shape: BlockShape): readonly ParameterSpec[];
  /** `x` [B, T, C]; positions never see later ones. */
  forward(x: tf.Tensor, params: Params, prefix: string, shape: BlockShape, context: ForwardContext): tf.Tensor;
  /** How it generates token by token; a model whose attention lacks it reads the whole context for each token. */
  readonly cached?: CachedAttention;
}

/** What an attention remembers of the positions before. */
export type AttentionCache = { readonly keys: tf.Tensor; readonly values: tf.Tensor };

/** The same attention with a cache of keys and values [B, heads, S, size]. */
export type CachedAttention = {
  /** Heads of the cache and their size. */
  heads(shape: BlockShape): readonly [heads: number, size: number];
  /** Like `forward`, and what later positions need: `x` [B, P, C] → `y` [B, P, C], a cache of P places. */
  prefill(
    x: tf.Tensor,
    params: Params,
    prefix: string,
    shape: BlockShape,
    context: ForwardContext,
  ): AttentionCache & { readonly y: tf.Tensor };
  /** One more position a row, at `positions` int32 [B]: `x` [B, 1, C] → `y` [B, 1, C] and the cache with it. */
  decode(
    x: tf.Tensor,
    params: Params,
    prefix: string,
    shape: BlockShape,
    at: { readonly cache: AttentionCache; readonly positions: tf.Tensor },
  ): AttentionCache & { readonly y: tf.Tensor };
};

/** Transforms each position by itself: from [B, T, C] to [B, T, C], with parameters of its own. */
export interface MLPStrategy {
  readonly kind: string;
  /** Its parameters; names continue `prefix`, as in `h.0.mlp.c_fc.weight`. */
  parameters(prefix: string, shape: BlockShape): readonly ParameterSpec[];
  forward(x: tf.Tensor, params: Params, prefix: string, shape: BlockShape, context: ForwardContext): tf.Tensor;
}
