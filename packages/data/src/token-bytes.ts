import { PipeError } from "@pipe/core";

/**
 * The UTF-8 bytes of every token in one block of memory, and decoding by them.
 *
 * An id without bytes is either special (decodes to nothing) or a hole in the vocabulary (unknown).
 */
export class TokenBytes {
  /** Bytes of each id's text; 0 for special ids and holes. */
  readonly lengths: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #specials: ReadonlySet<number>;

  /** @param tokens the bytes of each id, `undefined` where the id is special or unused. */
  constructor(tokens: readonly (Uint8Array | undefined)[], specials: readonly number[]) {
    this.lengths = Uint16Array.from(tokens, (token) => token?.length ?? 0);
    this.#offsets = new Uint32Array(tokens.length + 1);
    for (const [id, length] of this.lengths.entries()) this.#offsets[id + 1] = this.#offsets[id]! + length;
    this.#bytes = new Uint8Array(this.#offsets[tokens.length]!);
    for (const [id, token] of tokens.entries()) if (token !== undefined) this.#bytes.set(token, this.#offsets[id]);
    this.#specials = new Set(specials);
  }

  /** The bytes of one id. @throws PipeError `token-unknown`. */
  of(id: number): Uint8Array {
    const length = this.lengths[id];
    if (length === undefined || (length === 0 && !this.#specials.has(id))) {
      throw new PipeError("token-unknown", "A token id is not in the vocabulary.", {
        expected: `an id of the ${this.lengths.length} in the vocabulary`,
        got: String(id),
        fix: "decode with the tokenizer that made the ids",
      });
    }
    return this.#bytes.subarray(this.#offsets[id], this.#offsets[id + 1]);
  }

  /** The text of ids; bytes that form no character become U+FFFD. @throws PipeError `token-unknown`. */
  decode(ids: ArrayLike<number>): string {
    let size = 0;
    for (let i = 0; i < ids.length; i++) size += this.of(ids[i]!).length;
    const bytes = new Uint8Array(size);
    let at = 0;
    for (let i = 0; i < ids.length; i++) {
      const token = this.of(ids[i]!);
      bytes.set(token, at);
      at += token.length;
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  /** Decodes one id after the other; the bytes of half a character are held back. */
  decoder(): { push(id: number): string; end(): string } {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return { push: (id) => decoder.decode(this.of(id), { stream: true }), end: () => decoder.decode() };
  }
}
