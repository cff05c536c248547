import { setImmediate } from "node:timers/promises";
import type { ITokenizer, SourceDocument } from "@pipe/core";

/** A document with its token ids. */
export type TokenizedDocument = {
  readonly document: SourceDocument;
  /** With `endOfText` in front, where a document came before and the tokenizer has one. */
  readonly ids: Uint32Array;
};

/** Turns documents into token ids, with the tokenizer's end of text between them. */
export class TokenProcessor {
  readonly #tokenizer: ITokenizer;

  constructor(options: { readonly tokenizer: ITokenizer }) {
    this.#tokenizer = options.tokenizer;
  }

  /** The ids of one text, with `endOfText` in front where it follows another and the tokenizer has one. */
  encode(text: string, follows: boolean): Uint32Array {
    const { endOfText } = this.#tokenizer;
    const ids = this.#tokenizer.encode(text);
    if (!follows || endOfText === undefined) return ids;
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
    for await (const document of documents) {
      options.signal?.throwIfAborted();
      if (document.text === "") continue;
      yield { document, ids: this.encode(document.text, follows) };
      follows = true;
      await setImmediate();
    }
  }
}
