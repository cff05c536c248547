import type { DeviceTensor, IEmbedder, IEngine, IModel, ITokenizer } from "@pipe/core";
import { definedOnly, PipeError } from "@pipe/core";
import { type CompiledModel, compileModel } from "./compile-model.ts";
import type { Whitening } from "./whitening.ts";

/** How texts become vectors. */
export type ModelEmbedderOptions = {
  readonly engine: IEngine;
  readonly model: IModel;
  readonly tokenizer: ITokenizer;
  /** The weights on the engine; borrowed as long as the embedder is used. */
  readonly params: { readonly [name: string]: DeviceTensor };
  /** Channels of the hidden states. */
  readonly width: number;
  /** Tokens in one window, at most the model's positions; longer texts are embedded window by window. */
  readonly window: number;
  /** Windows in one run; default 8. */
  readonly batch?: number;
  /** Training step of the weights. */
  readonly step?: number;
  /** What the vectors go through before they are brought to length 1, estimated with these weights. */
  readonly whitening?: Whitening;
};

type Window = { readonly text: number; readonly ids: Uint32Array };

/**
 * Embeds texts with a language model: the mean of its hidden states over all tokens and layers, of length 1.
 *
 * Every layer's states are first brought to length 1 a token, so that no layer outweighs the others. The vectors of a
 * small model say which words a text shares with others rather than what it means, and all point nearly the same way: a
 * {@link Whitening} takes out what they share. Its id is part of the space's, so vectors of two whitenings never mix.
 */
export class ModelEmbedder implements IEmbedder {
  readonly space: IEmbedder["space"];
  readonly #whitening: Whitening | undefined;
  readonly #options: Required<Omit<ModelEmbedderOptions, "step" | "whitening">>;
  /** The compiled program, shared by the embedders of other weights. */
  #compiled: { program?: Promise<CompiledModel<{ embed: { rows: number; positions: number } }>> } = {};

  constructor(options: ModelEmbedderOptions) {
    const { step, whitening, ...rest } = options;
    this.#options = { batch: 8, ...rest };
    this.#whitening = whitening;
    const plain = `${options.model.kind}:${options.tokenizer.id}`;
    this.space = {
      id: whitening === undefined ? plain : `${plain}:white-${whitening.id}`,
      dimensions: options.width,
      ...(step === undefined ? {} : { step }),
    };
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]> {
    const { tokenizer, window, batch, width } = this.#options;
    const windows = texts.flatMap((text, i): Window[] => {
      const ids = encodeKnown(tokenizer, text);
      return Array.from({ length: Math.ceil(ids.length / window) }, (_, w) => ({
        text: i,
        ids: ids.subarray(w * window, (w + 1) * window),
      }));
    });
    const vectors = texts.map(() => new Float32Array(width));
    for (let begin = 0; begin < windows.length; begin += batch) {
      signal?.throwIfAborted();
      const group = windows.slice(begin, begin + batch);
      const sums = await this.#run(group);
      group.forEach(({ text }, row) => {
        const vector = vectors[text]!;
        for (let c = 0; c < width; c++) vector[c]! += sums[row * width + c]!;
      });
    }
    for (const vector of vectors) normalise(vector);
    const whitening = this.#whitening;
    if (whitening === undefined) return vectors;
    // A text without tokens stays at zero.
    return vectors.map((vector) => (vector.some((x) => x !== 0) ? normalise(whitening.apply(vector)) : vector));
  }

  /** The same with the weights of another step, which a whitening does not fit; both share one compiled program. */
  at(params: ModelEmbedderOptions["params"], step: number): ModelEmbedder {
    return this.#sharing({ ...this.#options, params, step });
  }

  /** The same through a whitening, estimated from what this gives for a sample of texts; both share one compiled program. */
  through(whitening: Whitening): ModelEmbedder {
    return this.#sharing({ ...this.#options, ...definedOnly({ step: this.space.step }), whitening });
  }

  /** Frees the compiled program. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#compiled.program)?.[Symbol.asyncDispose]();
  }

  #sharing(options: ModelEmbedderOptions): ModelEmbedder {
    const other = new ModelEmbedder(options);
    other.#compiled = this.#compiled;
    return other;
  }

  async #run(group: readonly Window[]): Promise<Float32Array> {
    const { engine, model, window, batch, params } = this.#options;
    const ids = new Int32Array(batch * window);
    const weights = new Float32Array(batch * window);
    group.forEach(({ ids: tokens }, row) => {
      ids.set(tokens, row * window);
      weights.fill(1, row * window, row * window + tokens.length);
    });
    this.#compiled.program ??= compileModel(model, engine, { embed: { rows: batch, positions: window } });
    const { sums } = await (await this.#compiled.program).embed.run({ params, ids, weights });
    const read = (await sums.read()) as Float32Array;
    sums[Symbol.dispose]();
    return read;
  }
}

/** Token ids of a text, without the characters that the vocabulary lacks. */
function encodeKnown(tokenizer: ITokenizer, text: string): Uint32Array {
  try {
    return tokenizer.encode(text);
  } catch (error) {
    if (!PipeError.is(error, "token-unknown")) throw error;
    const characters = Array.from(text);
    if (characters.length === 1) return new Uint32Array();
    return Uint32Array.from(characters.flatMap((character) => [...encodeKnown(tokenizer, character)]));
  }
}

/** To length 1, in place; a vector of zeros stays. */
function normalise(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const x of vector) sum += x * x;
  if (sum === 0) return vector;
  const scale = 1 / Math.sqrt(sum);
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale;
  return vector;
}
