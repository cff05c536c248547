import type { DeviceTensor, IEngine, IExecutable, IModel, ITokenizer, Params } from "@pipe/core";
import { PipeError, Random } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { checkSampling, sampleToken, type SamplingOptions } from "./sampling.ts";

/** What a generator needs. */
export type TextGeneratorOptions = {
  readonly engine: IEngine;
  readonly model: IModel;
  readonly tokenizer: ITokenizer;
  /** Positions of the model: the longest context. */
  readonly positions: number;
};

/** One request. */
export type GenerateOptions = SamplingOptions & {
  /** May be empty where the tokenizer has an end-of-text token, which then begins the text. */
  readonly prompt: string;
  /** Tokens to add at most. */
  readonly tokens: number;
  /** Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
};

type Inputs = { readonly params: Params; readonly ids: tf.Tensor; readonly at: tf.Tensor };
type Forward = IExecutable<Inputs, { logits: tf.Tensor }>;

/** Shortest compiled context. */
const SHORTEST = 16;

/**
 * Continues a text token by token. Each token reads the whole context again; contexts are compiled per power of two, and
 * past the model's positions the oldest tokens are left out.
 */
export class TextGenerator {
  readonly #options: TextGeneratorOptions;
  readonly #compiled = new Map<number, Promise<Forward>>();

  constructor(options: TextGeneratorOptions) {
    this.#options = options;
  }

  /**
   * Yields the new text in pieces, as soon as whole characters are known; ends at the end-of-text token.
   * @throws PipeError `sampling-invalid`, `prompt-empty`, `token-unknown`, `logits-not-finite`.
   */
  async *stream(params: { readonly [name: string]: DeviceTensor }, options: GenerateOptions): AsyncGenerator<string> {
    const { tokenizer } = this.#options;
    const { prompt, tokens, seed = 0, signal } = options;
    checkSampling(options);
    const ids = [...tokenizer.encode(prompt)];
    if (ids.length === 0) {
      if (tokenizer.endOfText === undefined) {
        throw new PipeError(
          "prompt-empty",
          "Generation needs a prompt: this tokenizer has no token that begins a text.",
        );
      }
      ids.push(tokenizer.endOfText);
    }
    const random = new Random(seed);
    const decoder = tokenizer.decoder();
    for (let i = 0; i < tokens; i++) {
      signal?.throwIfAborted();
      const id = sampleToken(await this.#logits(params, ids), options, random);
      if (id === tokenizer.endOfText) break;
      ids.push(id);
      const text = decoder.push(id);
      if (text !== "") yield text;
    }
    const rest = decoder.end();
    if (rest !== "") yield rest;
  }

  /** The new text as a whole. */
  async generate(params: { readonly [name: string]: DeviceTensor }, options: GenerateOptions): Promise<string> {
    let text = "";
    for await (const piece of this.stream(params, options)) text += piece;
    return text;
  }

  /** Frees the compiled programs. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const compiled of this.#compiled.values()) {
      // One that did not compile has said so to whoever asked for it.
      const forward = await compiled.catch(() => undefined);
      await forward?.[Symbol.asyncDispose]();
    }
  }

  async #logits(params: { readonly [name: string]: DeviceTensor }, all: readonly number[]): Promise<ArrayLike<number>> {
    const context = all.slice(-this.#options.positions);
    const length = Math.min(this.#options.positions, Math.max(SHORTEST, 2 ** Math.ceil(Math.log2(context.length))));
    let compiled = this.#compiled.get(length);
    if (compiled === undefined) this.#compiled.set(length, (compiled = this.#compile(length, params)));
    const ids = new Int32Array(length);
    ids.set(context);
    const { logits } = await (await compiled).run({ params, ids, at: Int32Array.of(context.length - 1) });
    const read = await logits.read();
    logits[Symbol.dispose]();
    return read;
  }

  #compile(length: number, params: { readonly [name: string]: DeviceTensor }): Promise<Forward> {
    const { engine, model } = this.#options;
    const program = ({ params: weights, ids, at }: Inputs): { logits: tf.Tensor } => {
      const context = forwardContext({ training: false, seed: tf.zeros([2], "int32"), logits: { at } });
      return { logits: model.forward(weights, { ids, targets: ids, weights: tf.onesLike(ids) }, context).logits };
    };
    return engine.compile(program, {
      params: Object.fromEntries(Object.entries(params).map(([name, { spec }]) => [name, spec])),
      ids: { shape: [1, length], dtype: "int32" },
      at: { shape: [1], dtype: "int32" },
    });
  }
}
