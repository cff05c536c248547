import type {
  ForwardContext,
  IDecoder,
  IModel,
  Json,
  LossResult,
  ParameterSpec,
  Params,
  TensorSpec,
  TokenBatch,
} from "@pipe/core";
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
    // Others must not take a model for GPT-2 that is computed in another way.
    const isGPT2 = this.#attention.kind === "multi-head" && this.#mlp.kind === "gelu";
    return {
      architectures: [isGPT2 ? "GPT2LMHeadModel" : "PipeGPT2"],
      model_type: isGPT2 ? "gpt2" : "pipe-gpt2",
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
      ...(this.#attention.kind === "multi-head"
        ? {}
        : { pipe_attention: { kind: this.#attention.kind, ...this.#attention.options } }),
      ...(this.#mlp.kind === "gelu" ? {} : { pipe_mlp: { kind: this.#mlp.kind } }),
    };
  }

  parameters(): readonly ParameterSpec[] {
    const { vocabulary, vocabularyMultiple: multiple, positions, width, layers } = this.options;
    const rows = Math.ceil(vocabulary / multiple) * multiple;
    const tokens = parameter("wte.weight", [rows, width]);
    const blocks = Array.from({ length: layers }, (_, i) => [
      ...normParameters(`h.${i}.ln_1`, width),
      ...this.#attention.parameters(`h.${i}.attn`, this.options),
      ...normParameters(`h.${i}.ln_2`, width),
      ...this.#mlp.parameters(`h.${i}.mlp`, this.options),
    ]);
    return [
      rows === vocabulary ? tokens : { ...tokens, external: { ...tokens.external!, shape: [vocabulary, width] } },
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
    const flat = tf.reshape(hidden.at(-1)!, [rows * positions, width]);
    if (context.logits === undefined || context.logits === "all") {
      return { logits: tf.reshape(this.#logits(flat, params), [rows, positions, vocabulary]), hidden };
    }
    const places = tf.add(tf.range(0, rows * positions, positions, "int32"), context.logits.at) as tf.Tensor1D;
    return { logits: this.#logits(tf.gather(flat, places), params), hidden };
  }

  loss(params: Params, batch: TokenBatch, context: ForwardContext): LossResult {
    const hidden = this.#hidden(params, batch, context).at(-1)!;
    const { width, vocabulary } = this.options;
    const flat = tf.reshape(hidden, [-1, width]);
    const [targets, weights] = [tf.reshape(batch.targets, [-1]), tf.reshape(batch.weights, [-1])];
    const { lossSum, correct } = linearCrossEntropy(flat, params["wte.weight"]!, targets, weights, { vocabulary });
    return { lossSum, weight: tf.sum(weights), sums: { correct: tf.sum(correct) } };
  }

  /** Generation with cached keys and values, where the attention can; caches are named `h.0.keys`, `h.0.values`, … */
  get decoder(): IDecoder | undefined {
    const { cached } = this.#attention;
    if (cached === undefined) return undefined;
    const { positions: maxPositions, layers } = this.options;
    const names = (i: number): readonly [string, string] => [`h.${i}.keys`, `h.${i}.values`];
    const [heads, size] = cached.heads(this.options);
    return {
      maxPositions,
      cache: (batch, capacity) =>
        Object.fromEntries(
          Array.from({ length: layers }, (_, i) => names(i))
            .flat()
            .map((name): [string, TensorSpec] => [name, { shape: [batch, heads, capacity, size], dtype: "float32" }]),
        ),
      prefill: (params, { ids, lengths }, context) => {
        const cache: { [name: string]: tf.Tensor } = {};
        const hidden = this.#blocks(this.#embed(params, { ids }, context), params, context, (x, i) => {
          const { y, keys, values } = cached.prefill(x, params, `h.${i}.attn`, this.options, context);
          names(i).forEach((name, part) => (cache[name] = [keys, values][part]!));
          return y;
        });
        const [rows, length] = ids.shape as [number, number];
        const places = tf.add(tf.range(0, rows * length, length, "int32"), tf.sub(lengths, tf.scalar(1, "int32")));
        const last = tf.gather(tf.reshape(hidden.at(-1)!, [rows * length, -1]), places as tf.Tensor1D);
        return { logits: this.#logits(last, params), cache };
      },
      decode: (params, { ids, positions, cache: before }, context) => {
        const cache: { [name: string]: tf.Tensor } = {};
        const [column, at] = [ids, positions].map((each) => tf.expandDims(each, 1)) as [tf.Tensor, tf.Tensor];
        const embedded = this.#embed(params, { ids: column, positions: at }, context);
        const hidden = this.#blocks(embedded, params, context, (x, i) => {
          const [keys, values] = names(i).map((name) => before[name]!) as [tf.Tensor, tf.Tensor];
          const place = { cache: { keys, values }, positions };
          const next = cached.decode(x, params, `h.${i}.attn`, this.options, place);
          names(i).forEach((name, part) => (cache[name] = [next.keys, next.values][part]!));
          return next.y;
        });
        return { logits: this.#logits(tf.squeeze(hidden.at(-1)!, [1]), params), cache };
      },
    };
  }

  /** Logits [N, V] of hidden states [N, C]; those of padding rows, which are at the end, are cut off. */
  #logits(flat: tf.Tensor, params: Params): tf.Tensor {
    const all = tf.matMul(flat, params["wte.weight"]!, false, true);
    const [rows, count] = all.shape as [number, number];
    const { vocabulary } = this.options;
    return count === vocabulary ? all : tf.slice(all, [0, 0], [rows, vocabulary]);
  }

  /** Hidden states [B, T, C]: the embedding, each block's output, and the last one normalised in its place. */
  #hidden(params: Params, batch: TokenBatch, context: ForwardContext): readonly tf.Tensor[] {
    if (batch.segments !== undefined) {
      throw new PipeError("batch-unsupported", "GPT2Model cannot keep attention within documents yet.", {
        expected: "a batch without segments",
      });
    }
    return this.#blocks(this.#embed(params, batch, context), params, context, (x, i) =>
      this.#attention.forward(x, params, `h.${i}.attn`, this.options, context),
    );
  }

  /** Tokens and their positions, [B, T, C]. */
  #embed(
    params: Params,
    { ids, positions }: Pick<TokenBatch, "ids" | "positions">,
    context: ForwardContext,
  ): tf.Tensor {
    const length = ids.shape[1]!;
    const { width, dropout: rate } = this.options;
    if (length > this.options.positions) {
      throw new PipeError("sequence-too-long", "A batch is longer than the model's positions.", {
        expected: `at most ${this.options.positions} tokens`,
        got: String(length),
      });
    }
    const table = params["wpe.weight"]!;
    const place = positions === undefined ? tf.slice(table, [0, 0], [length, width]) : embedding(table, positions);
    return dropout(tf.add(embedding(params["wte.weight"]!, ids), place), rate, context);
  }

  /** The blocks over an embedding, with this attention in each; returns as {@link GPT2Model.forward} does. */
  #blocks(
    embedded: tf.Tensor,
    params: Params,
    context: ForwardContext,
    attend: (x: tf.Tensor, layer: number) => tf.Tensor,
  ): readonly tf.Tensor[] {
    const { layers, layerNormEpsilon } = this.options;
    const norm = (value: tf.Tensor, prefix: string): tf.Tensor =>
      layerNorm(value, params[`${prefix}.weight`]!, params[`${prefix}.bias`]!, layerNormEpsilon);
    let x = embedded;
    const hidden = [x];
    for (let i = 0; i < layers; i++) {
      const prefix = `h.${i}`;
      x = context.block(prefix, () => {
        const middle = tf.add(x, attend(norm(x, `${prefix}.ln_1`), i));
        const normed = norm(middle, `${prefix}.ln_2`);
        return tf.add(middle, this.#mlp.forward(normed, params, `${prefix}.mlp`, this.options, context));
      });
      hidden.push(x);
    }
    hidden[layers] = norm(x, "ln_f");
    return hidden;
  }
}
