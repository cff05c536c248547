import type { ForwardContext, IModel, Json, LossResult, ParameterSpec, Params, TokenBatch } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { dropout, embedding, layerNorm, linearCrossEntropy } from "@pipe/graph/ops";
import * as tf from "@pipe/graph/tf";
import { geluMLP } from "./gelu-mlp.ts";
import { type GPT2Options, resolveGPT2Options } from "./gpt2-config.ts";
import { normParameters, parameter } from "./linear.ts";
import { multiHeadAttention } from "./multi-head-attention.ts";
import type { AttentionStrategy, MLPStrategy } from "./strategies.ts";

/** The exchangeable parts of a block. */
export type GPT2Parts = {
  /** Default multi-head. */
  readonly attention?: AttentionStrategy;
  /** Default GELU. */
  readonly mlp?: MLPStrategy;
};

/**
 * GPT-2 (Radford et al., 2019): learned positions, pre-norm blocks, an output head that is the token embedding.
 *
 * Parameter names and shapes are Hugging Face's, matrices [in, out].
 * @throws PipeError `model-invalid`.
 */
export class GPT2Model implements IModel {
  readonly kind = "gpt2";
  /** The options with all defaults filled in. */
  readonly options: Required<GPT2Options>;
  readonly #attention: AttentionStrategy;
  readonly #mlp: MLPStrategy;

  constructor(options: GPT2Options, parts: GPT2Parts = {}) {
    this.options = resolveGPT2Options(options);
    this.#attention = parts.attention ?? multiHeadAttention;
    this.#mlp = parts.mlp ?? geluMLP;
  }

  config(): Json {
    const { vocabulary, positions, width, layers, heads, hidden, dropout: rate, layerNormEpsilon } = this.options;
    return {
      architectures: ["GPT2LMHeadModel"],
      model_type: "gpt2",
      vocab_size: vocabulary,
      n_positions: positions,
      n_ctx: positions,
      n_embd: width,
      n_layer: layers,
      n_head: heads,
      n_inner: hidden === 4 * width ? null : hidden,
      activation_function: "gelu_new",
      resid_pdrop: rate,
      embd_pdrop: rate,
      attn_pdrop: rate,
      layer_norm_epsilon: layerNormEpsilon,
      initializer_range: 0.02,
      tie_word_embeddings: true,
      ...(this.#attention.kind === "multi-head" ? {} : { pipe_attention: this.#attention.kind }),
      ...(this.#mlp.kind === "gelu" ? {} : { pipe_mlp: this.#mlp.kind }),
    };
  }

  parameters(): readonly ParameterSpec[] {
    const { vocabulary, positions, width, layers } = this.options;
    const blocks = Array.from({ length: layers }, (_, i) => [
      ...normParameters(`h.${i}.ln_1`, width),
      ...this.#attention.parameters(`h.${i}.attn`, this.options),
      ...normParameters(`h.${i}.ln_2`, width),
      ...this.#mlp.parameters(`h.${i}.mlp`, this.options),
    ]);
    return [
      parameter("wte.weight", [vocabulary, width]),
      parameter("wpe.weight", [positions, width]),
      ...blocks.flat(),
      ...normParameters("ln_f", width),
    ];
  }

  forward(
    params: Params,
    batch: TokenBatch,
    context: ForwardContext,
  ): { logits: tf.Tensor; hidden: readonly tf.Tensor[] } {
    const hidden = this.#hidden(params, batch, context);
    const [rows, positions] = batch.ids.shape as [number, number];
    const { width, vocabulary } = this.options;
    const head = params["wte.weight"]!;
    const flat = tf.reshape(hidden.at(-1)!, [rows * positions, width]);
    if (context.logits === undefined || context.logits === "all") {
      return { logits: tf.reshape(tf.matMul(flat, head, false, true), [rows, positions, vocabulary]), hidden };
    }
    const places = tf.add(tf.range(0, rows * positions, positions, "int32"), context.logits.at) as tf.Tensor1D;
    return { logits: tf.matMul(tf.gather(flat, places), head, false, true), hidden };
  }

  loss(params: Params, batch: TokenBatch, context: ForwardContext): LossResult {
    const hidden = this.#hidden(params, batch, context).at(-1)!;
    const flat = tf.reshape(hidden, [-1, this.options.width]);
    const [targets, weights] = [tf.reshape(batch.targets, [-1]), tf.reshape(batch.weights, [-1])];
    const { lossSum, correct } = linearCrossEntropy(flat, params["wte.weight"]!, targets, weights);
    return { lossSum, weight: tf.sum(weights), sums: { correct: tf.sum(correct) } };
  }

  /** Hidden states [B, T, C]: the embedding, each block's output, and the last one normalised in its place. */
  #hidden(params: Params, { ids, positions, segments }: TokenBatch, context: ForwardContext): readonly tf.Tensor[] {
    if (segments !== undefined) {
      throw new PipeError("batch-unsupported", "GPT2Model cannot keep attention within documents yet.", {
        expected: "a batch without segments",
      });
    }
    const length = ids.shape[1]!;
    const { width, dropout: rate, layers, layerNormEpsilon } = this.options;
    if (length > this.options.positions) {
      throw new PipeError("sequence-too-long", "A batch is longer than the model's positions.", {
        expected: `at most ${this.options.positions} tokens`,
        got: String(length),
      });
    }
    const table = params["wpe.weight"]!;
    const place = positions === undefined ? tf.slice(table, [0, 0], [length, width]) : embedding(table, positions);
    let x = dropout(tf.add(embedding(params["wte.weight"]!, ids), place), rate, context);
    const norm = (value: tf.Tensor, prefix: string): tf.Tensor =>
      layerNorm(value, params[`${prefix}.weight`]!, params[`${prefix}.bias`]!, layerNormEpsilon);
    const hidden = [x];
    for (let i = 0; i < layers; i++) {
      const prefix = `h.${i}`;
      x = context.block(prefix, () => {
        const attended = this.#attention.forward(
          norm(x, `${prefix}.ln_1`),
          params,
          `${prefix}.attn`,
          this.options,
          context,
        );
        const middle = tf.add(x, attended);
        const transformed = this.#mlp.forward(
          norm(middle, `${prefix}.ln_2`),
          params,
          `${prefix}.mlp`,
          this.options,
          context,
        );
        return tf.add(middle, transformed);
      });
      hidden.push(x);
    }
    hidden[layers] = norm(x, "ln_f");
    return hidden;
  }
}
