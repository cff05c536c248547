import { encodePostings } from "./postings.ts";
import { eachTerm } from "./terms.ts";

/** Terms of a number of passages, ready to be stored. */
export type Segment = {
  /** Ids of its passages, rising; a passage's ordinal is its place in here. */
  readonly chunks: Int32Array;
  /** Words of each that are no stop words. */
  readonly lengths: Int32Array;
  /** In the order of the terms. */
  readonly terms: Iterable<{ readonly term: string; readonly size: number; readonly data: Uint8Array }>;
};

/** Gathers the terms of passages, given in the order of their ids, into a segment. */
export class SegmentBuilder {
  readonly #chunks: number[] = [];
  readonly #lengths: number[] = [];
  readonly #terms = new Map<string, number[]>();

  get size(): number {
    return this.#chunks.length;
  }

  /** Adds a passage; its id is greater than those before. */
  add(chunk: number, context: string, text: string): void {
    const ordinal = this.#chunks.length;
    let length = 0;
    const take = (term: string, stop: boolean): void => {
      if (!stop) length++;
      const pairs = this.#terms.get(term);
      if (pairs === undefined) this.#terms.set(term, [ordinal, 1]);
      else if (pairs[pairs.length - 2] === ordinal) pairs[pairs.length - 1]!++;
      else pairs.push(ordinal, 1);
    };
    eachTerm(context, take);
    eachTerm(text, take);
    this.#chunks.push(chunk);
    this.#lengths.push(length);
  }

  /** What was gathered. */
  segment(): Segment {
    const terms = [...this.#terms.keys()].sort();
    const all = this.#terms;
    return {
      chunks: Int32Array.from(this.#chunks),
      lengths: Int32Array.from(this.#lengths),
      terms: (function* () {
        for (const term of terms) {
          const pairs = all.get(term)!;
          yield { term, size: pairs.length / 2, data: encodePostings(pairs) };
        }
      })(),
    };
  }
}
