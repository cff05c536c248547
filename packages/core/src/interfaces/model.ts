import type { Tensor } from "@tensorflow/tfjs";
import type { Json } from "../json.ts";
import type { TensorSpec } from "./tensors.ts";

/** Tensors by name. */
export type Params = { readonly [name: string]: Tensor };

/** How a parameter starts. */
export type Initializer =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  /** Normal distribution around 0 with this standard deviation. */
  | { readonly kind: "normal"; readonly deviation: number }
  /** Uniform distribution over [-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number };

/** Everything that training and storage need to know of one parameter. */
export type ParameterSpec = TensorSpec & {
  readonly name: string;
  readonly init: Initializer;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  readonly trainable: boolean;
  /** The block that it belongs to, as in `h.3`. */
  readonly block?: string;
  /** Its name and layout in exchanged files, where they differ. */
  readonly external?: {
    readonly name: string;
    readonly transposed?: boolean;
    /** Shape in the file, where rows were added for padding. */
    readonly shape?: readonly number[];
  };
};

/** A batch of token windows. */
export type TokenBatch = {
  /** int32 [B, T]. */
  readonly ids: Tensor;
  /** int32 [B, T], the token after each. */
  readonly targets: Tensor;
  /** float32 [B, T]; 0 where the target does not count (padding, prompt). */
  readonly weights: Tensor;
  /** int32 [B, T], document number within the row, where attention must not cross documents. */
  readonly segments?: Tensor;
  /** int32 [B, T], default 0 … T-1. */
  readonly positions?: Tensor;
};

/** What a model may ask while it is traced. */
export interface ForwardContext {
  readonly training: boolean;
  /** int32 [2]: seed of the run and number of the micro-step, both in [0, 2²⁴). */
  readonly seed: Tensor;
  /** A number that differs at each call within a step and is the same in each trace: where a random mask is used. */
  place(): number;
  /** Runs a named part of the model, so that it can be computed again in the backward pass. */
  block<T>(name: string, body: () => T): T;
  /** Which positions need logits: all (default), or one for each row, int32 [B]. */
  readonly logits?: "all" | { readonly at: Tensor };
}

/** Sums over a batch, from which losses and metrics are made. */
export type LossResult = {
  /** Scalar: sum of weighted losses, in nats. */
  readonly lossSum: Tensor;
  /** Scalar: sum of weights. */
  readonly weight: Tensor;
  /** Further scalar sums for metrics, such as `correct`. */
  readonly sums?: Params;
  /** Scalar added to the mean loss, such as a penalty. */
  readonly auxiliary?: Tensor;
};

/** A differentiable model as pure functions of its parameters. */
export interface IModel<B = TokenBatch> {
  readonly kind: string;
  /** The configuration in Hugging Face's form, as `config.json` holds it. */
  config(): Json;
  parameters(): readonly ParameterSpec[];
  /** Logits [B, T, V] (or [B, V] where `context.logits` names positions) and the hidden states [B, T, C], embedding first. */
  forward(params: Params, batch: B, context: ForwardContext): { logits: Tensor; hidden: readonly Tensor[] };
  loss(params: Params, batch: B, context: ForwardContext): LossResult;
  /** How it generates with a cache, if it can. */
  readonly decoder?: IDecoder | undefined;
}

/** Generation with a key-value cache. */
export interface IDecoder {
  readonly maxPositions: number;
  /** Specs of the cache for a batch and a number of positions. */
  cache(batch: number, capacity: number): { readonly [name: string]: TensorSpec };
  /** Reads prompts, int32 [B, P] padded on the right to `lengths` int32 [B]. */
  prefill(
    params: Params,
    inputs: { ids: Tensor; lengths: Tensor },
    context: ForwardContext,
  ): { logits: Tensor; cache: Params };
  /** Reads one more token a row, int32 [B], at its position int32 [B]. */
  decode(
    params: Params,
    inputs: { ids: Tensor; positions: Tensor; cache: Params },
    context: ForwardContext,
  ): { logits: Tensor; cache: Params };
}
