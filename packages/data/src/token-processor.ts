import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { type ITokenizer, PipeError, type SourceDocument } from "@pipe/core";
import { encodeInOrder } from "./encode-in-order.ts";
import { EncodingPool } from "./encoding-pool.ts";
import type { GptEncoding } from "./gpt-encodings.ts";

/** A document with its token ids. */
export type TokenizedDocument = {
  readonly document: SourceDocument;
  /** With `endOfText` in front, where a document came before and the tokenizer has one. */
  readonly ids: Uint32Array;
};

/** With what text is turned into ids, and where. */
export type TokenProcessorOptions = {
  readonly tokenizer: ITokenizer;
  /**
   * Threads for the tokens of GPT encodings, which take time; they start once a source has more than 4 million characters.
   * Default one for each processor, 8 at most; 1 stays in the thread at hand, as all other tokenizers do.
   */
  readonly threads?: number;
};

/** Text that stays in the thread at hand: starting others would take as long. */
const shortText = 4_000_000;

/** Turns documents into token ids, with the tokenizer's end of text between them. */
export class TokenProcessor {
  readonly #tokenizer: ITokenizer;
  readonly #threads: number;

  /** @throws PipeError `threads-invalid`. */
  constructor({ tokenizer, threads = Math.min(8, availableParallelism()) }: TokenProcessorOptions) {
    if (!Number.isInteger(threads) || threads < 1) {
      throw new PipeError("threads-invalid", "Tokens are made in at least one thread.", {
        expected: "a positive integer",
        got: String(threads),
      });
    }
    this.#tokenizer = tokenizer;
    this.#threads = threads;
  }

  /** The ids of a text behind another one: with `endOfText` in front, where the tokenizer has one. */
  separated(ids: Uint32Array): Uint32Array {
    const { endOfText } = this.#tokenizer;
    if (endOfText === undefined) return ids;
    const separated = new Uint32Array(ids.length + 1);
    separated[0] = endOfText;
    separated.set(ids, 1);
    return separated;
  }

  /**
   * Yields each document that has text with its ids; other work of the process gets its turn between two documents.
   * @throws PipeError `token-unknown`, what the source throws, and the signal's reason.
   */
  async *process(
    documents: AsyncIterable<SourceDocument>,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TokenizedDocument> {
    let follows = false;
    for await (const [document, ids] of this.encode(documents, options)) {
      if (document.text === "") continue;
      yield { document, ids: follows ? this.separated(ids) : ids };
      follows = true;
    }
  }

  /**
   * Yields anything that has text with its ids, in order, without ends of text.
   * @throws PipeError `token-unknown`, `tokenizer-failed`, what the items throw, and the signal's reason.
   */
  async *encode<T extends { readonly text: string }>(
    items: AsyncIterable<T>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<readonly [item: T, ids: Uint32Array]> {
    const { encoding } = this.#tokenizer as { readonly encoding?: GptEncoding };
    const inThreads = encoding !== undefined && this.#threads > 1;
    const iterator = watched(items, signal)[Symbol.asyncIterator]();
    let characters = 0;
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        const item = next.value;
        characters += item.text.length;
        if (inThreads && characters > shortText) {
          const rest = { [Symbol.asyncIterator]: () => startingWith(item, iterator) };
          yield* this.#inThreads(encoding, rest, signal);
          return;
        }
        yield [item, this.#tokenizer.encode(item.text)];
        await setImmediate();
      }
    } finally {
      await iterator.return(undefined);
    }
  }

  async *#inThreads<T extends { readonly text: string }>(
    encoding: GptEncoding,
    items: AsyncIterable<T>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly [item: T, ids: Uint32Array]> {
    const threads = this.#threads;
    const pool = new EncodingPool({ encoding, threads });
    try {
      for await (const encoded of encodeInOrder(items, { threads, encode: (texts) => pool.encode(texts) })) {
        signal?.throwIfAborted();
        yield encoded;
      }
    } finally {
      await pool[Symbol.asyncDispose]();
    }
  }
}

async function* watched<T>(items: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  for await (const item of items) {
    signal?.throwIfAborted();
    yield item;
  }
}

/** An item, and all that an iterator still has. */
async function* startingWith<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
