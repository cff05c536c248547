import type { ScoredKey, VectorRow } from "@pipe/core";
import { type AllScores, TopKeys } from "../search/top-keys.ts";
import { createScanKernel } from "./scan-kernel.ts";

const page = 65_536;

/** Vectors side by side in memory, searched by looking at all of them. */
export class FlatSpace {
  readonly dimensions: number;
  /** Numbers from one row to the next: a multiple of what the kernel takes at a time. */
  readonly #width: number;
  readonly #kernel = createScanKernel();
  #capacity = 0;
  #memory = new Float32Array(0);
  readonly #keys: number[] = [];
  readonly #slots = new Map<number, number>();

  constructor(dimensions: number) {
    this.dimensions = dimensions;
    this.#width = Math.ceil(dimensions / 8) * 8;
    this.#reserve(64);
  }

  get rows(): number {
    return this.#keys.length;
  }

  put(rows: readonly VectorRow[]): void {
    for (const { key, vector } of rows) {
      let slot = this.#slots.get(key);
      if (slot === undefined) {
        slot = this.#keys.push(key) - 1;
        this.#slots.set(key, slot);
        if (this.#keys.length > this.#capacity) this.#reserve(Math.ceil(this.#capacity * 1.5));
      }
      this.#memory.set(vector, this.#begin(slot));
    }
  }

  remove(keys: readonly number[]): void {
    for (const key of keys) {
      const slot = this.#slots.get(key);
      if (slot === undefined) continue;
      this.#slots.delete(key);
      // The last takes its place.
      const last = this.#keys.pop()!;
      if (last === key) continue;
      this.#keys[slot] = last;
      this.#slots.set(last, slot);
      const from = this.#begin(this.#keys.length);
      this.#memory.copyWithin(this.#begin(slot), from, from + this.#width);
    }
  }

  search(query: Float32Array, limit: number): ScoredKey[] {
    return this.score(query).best(limit);
  }

  /** Scores all rows. What it gives holds until the next call. */
  score(query: Float32Array): AllScores {
    const count = this.#keys.length;
    const [first, out] = [this.#begin(0), this.#begin(this.#capacity)];
    this.#memory.set(query, 0);
    if (count > 0) this.#kernel.scan(4 * first, 0, count, 4 * this.#width, 4 * out);
    const scores = this.#memory.subarray(out, out + count);
    return {
      best: (limit) => {
        const best = new TopKeys(limit);
        for (let slot = 0; slot < count; slot++)
          if (scores[slot]! >= best.least) best.offer(this.#keys[slot]!, scores[slot]!);
        return best.ranked();
      },
      of: (key) => scores[this.#slots.get(key) ?? count],
    };
  }

  /** Rows from a place on, at most so many. */
  slice(begin: number, count: number): VectorRow[] {
    return this.#keys.slice(begin, begin + count).map((key, at) => {
      const offset = this.#begin(begin + at);
      return { key, vector: this.#memory.subarray(offset, offset + this.dimensions) };
    });
  }

  /** The memory holds the query, then the rows, then a score for each. */
  #begin(slot: number): number {
    return (slot + 1) * this.#width;
  }

  #reserve(capacity: number): void {
    const { memory } = this.#kernel;
    const needed = Math.ceil((4 * (this.#begin(capacity) + capacity)) / page);
    if (memory.buffer.byteLength < needed * page) memory.grow(needed - memory.buffer.byteLength / page);
    this.#memory = new Float32Array(memory.buffer);
    this.#capacity = capacity;
  }
}
