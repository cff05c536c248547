import type { IEngine, IModel, ITokenizer } from "@pipe/core";
import { PipeError, Random } from "@pipe/core";
import { type Decoding, decodingOf, type ModelParams } from "./decoding.ts";
import { fullDecoding } from "./full-decoding.ts";
import { checkSampling, sampleToken, type SamplingOptions } from "./sampling.ts";
import { StopStrings } from "./stop-strings.ts";

/** What a generator needs. */
export type TextGeneratorOptions = {
  readonly engine: IEngine;
  readonly model: IModel;
  readonly tokenizer: ITokenizer;
  /** Positions of the model: the longest context. */
  readonly positions: number;
  /** Whether the model's cache is used where it has one; default true. Without it each token reads the whole context. */
  readonly cache?: boolean;
};

/** How texts are continued. */
export type ContinueOptions = SamplingOptions & {
  /** Tokens to add at most. */
  readonly tokens: number;
  /** Default 0. */
  readonly seed?: number;
  /** Strings that end the text and are left out of it. */
  readonly stop?: readonly string[];
  /**
   * What happens at the model's last position: `"stop"` (default) ends the text, `"slide"` forgets the older half of the
   * context and goes on.
   */
  readonly overflow?: "stop" | "slide";
  readonly signal?: AbortSignal;
};

/** One request. */
export type GenerateOptions = ContinueOptions & {
  /** May be empty where the tokenizer has an end-of-text token, which then begins the text. */
  readonly prompt: string;
};

/** Continues texts token by token, with the model's cache of keys and values where it has one. */
export class TextGenerator {
  readonly #options: TextGeneratorOptions;
  readonly #decoding: Decoding;

  constructor(options: TextGeneratorOptions) {
    const { engine, model, positions, cache = true } = options;
    this.#options = options;
    this.#decoding = cache ? decodingOf(engine, model, positions) : fullDecoding(engine, model, positions);
  }

  /**
   * Yields the new text in pieces, as soon as whole characters are known; ends at the end-of-text token.
   * @throws PipeError `sampling-invalid`, `prompt-empty`, `prompt-too-long`, `token-unknown`, `logits-not-finite`.
   */
  async *stream(params: ModelParams, options: GenerateOptions): AsyncGenerator<string> {
    for await (const { piece } of this.#continue(params, [options.prompt], options)) yield piece;
  }

  /** The new text as a whole. */
  async generate(params: ModelParams, options: GenerateOptions): Promise<string> {
    return (await this.batch(params, [options.prompt], options))[0]!;
  }

  /** Continues several prompts at once, each as it would be alone with its own seed: `seed`, `seed` + 1, … */
  async batch(params: ModelParams, prompts: readonly string[], options: ContinueOptions): Promise<readonly string[]> {
    const texts = prompts.map(() => "");
    for await (const { row, piece } of this.#continue(params, prompts, options)) texts[row]! += piece;
    return texts;
  }

  /** Frees the compiled programs. */
  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#decoding[Symbol.asyncDispose]();
  }

  async *#continue(
    params: ModelParams,
    prompts: readonly string[],
    options: ContinueOptions,
  ): AsyncGenerator<{ readonly row: number; readonly piece: string }> {
    const { tokens, seed = 0, overflow = "stop", signal } = options;
    checkSampling(options);
    const texts = prompts.map(
      (prompt, row) => new GrowingText(this.#begin(prompt, overflow), seed + row, this.#options, options),
    );
    const session = this.#decoding.open(params, texts.length);
    try {
      let isFresh = true;
      for (let i = 0; i < tokens && texts.some(({ ended }) => !ended); i++) {
        signal?.throwIfAborted();
        const contexts = texts.map(({ context }) => context);
        const logits = await (isFresh ? session.read(contexts) : session.next(contexts));
        isFresh = false;
        const size = logits.length / texts.length;
        // A model may have more ids than its tokenizer has tokens, as one that is padded for a GPU: those are never chosen.
        const known = Math.min(size, this.#options.tokenizer.vocabulary);
        for (const [row, text] of texts.entries()) {
          const piece = text.grow(logits.subarray(row * size, row * size + known));
          if (piece !== "") yield { row, piece };
          if (text.context.length <= this.#options.positions) continue;
          if (overflow === "stop") text.end();
          else {
            text.slide();
            isFresh = true;
          }
        }
      }
      for (const [row, text] of texts.entries()) {
        const piece = text.rest();
        if (piece !== "") yield { row, piece };
      }
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  /** The tokens of a prompt. */
  #begin(prompt: string, overflow: "stop" | "slide"): number[] {
    const { tokenizer, positions } = this.#options;
    const ids = [...tokenizer.encode(prompt)];
    if (ids.length === 0) {
      if (tokenizer.endOfText === undefined) {
        throw new PipeError(
          "prompt-empty",
          "Generation needs a prompt: this tokenizer has no token that begins a text.",
          { fix: "give a prompt of at least one character" },
        );
      }
      ids.push(tokenizer.endOfText);
    }
    if (ids.length <= positions || overflow === "slide") return ids;
    throw new PipeError("prompt-too-long", "The prompt is longer than the model's positions.", {
      expected: `at most ${positions} tokens`,
      got: String(ids.length),
      fix: 'shorten it, or set overflow to "slide", which forgets its beginning',
    });
  }
}

/** One text of a batch. */
class GrowingText {
  /** What the model reads: the newest tokens. */
  context: number[];
  ended = false;
  #stopped = false;
  readonly #all: number[];
  readonly #random: Random;
  readonly #decoder: ReturnType<ITokenizer["decoder"]>;
  readonly #stops: StopStrings;
  readonly #sampling: SamplingOptions;
  readonly #parts: TextGeneratorOptions;

  constructor(ids: number[], seed: number, parts: TextGeneratorOptions, options: ContinueOptions) {
    this.#all = ids;
    this.context = ids.slice(-parts.positions);
    this.#random = new Random(seed);
    this.#decoder = parts.tokenizer.decoder();
    this.#stops = new StopStrings(options.stop ?? []);
    this.#sampling = options;
    this.#parts = parts;
  }

  /** Chooses the next token and returns the text that is known by it. A text that has ended keeps its place in the batch. */
  grow(logits: Float32Array): string {
    if (this.ended) return "";
    const id = sampleToken(logits, this.#sampling, this.#random, this.#all);
    if (id === this.#parts.tokenizer.endOfText) {
      this.ended = true;
      return "";
    }
    this.#all.push(id);
    this.context.push(id);
    const { text, stopped } = this.#stops.push(this.#decoder.push(id));
    if (stopped) this.ended = this.#stopped = true;
    return text;
  }

  /** Forgets the older half of a full context. */
  slide(): void {
    this.context = this.context.slice(-Math.ceil(this.#parts.positions / 2));
  }

  /** Ends at the last position. */
  end(): void {
    this.ended = true;
    this.context.pop();
  }

  /** What is left when nothing more comes. */
  rest(): string {
    if (this.#stopped) return "";
    const { text, stopped } = this.#stops.push(this.#decoder.end());
    return stopped ? text : text + this.#stops.end();
  }
}
