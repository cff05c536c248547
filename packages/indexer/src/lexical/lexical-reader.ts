import { crc32 } from "node:zlib";
import type { IndexDatabase } from "../store/index-database.ts";
import { damaged } from "../store/sqlite-error.ts";
import type { ScoredKey } from "@pipe/core";
import { inverseFrequency, lengthNorm, termFactor } from "./bm25.ts";
import { decodePostings, type Postings } from "./postings.ts";
import { TopKeys } from "../search/top-keys.ts";

type LoadedSegment = {
  readonly id: number;
  readonly chunks: Int32Array;
  readonly lengths: Int32Array;
  /** 1 where the passage is gone. */
  readonly dead: Uint8Array;
  norms: Float32Array;
  readonly scores: Float32Array;
};

/** The BM25 score of a passage, and what each term gives to it. */
export type TermScores = ScoredKey & { readonly words: { readonly [term: string]: number } };

/** Unpacked postings that are kept, as numbers. */
const mostCached = 8_000_000;

/**
 * Scores passages by BM25: each term's postings are added up in an array, a segment after the other. With the postings
 * unpacked once that is faster than skipping parts of them, up to some hundred thousand passages.
 */
export class LexicalReader {
  readonly #database: IndexDatabase;
  #segments: LoadedSegment[] = [];
  #alive = 0;
  #mean = 1;
  #removedUpTo = 0;
  readonly #cache = new Map<string, Postings>();
  #cached = 0;
  #generation = 0;

  constructor(database: IndexDatabase) {
    this.#database = database;
  }

  /** Takes in what was written since the last call; within a read. */
  refresh(): void {
    const database = this.#database;
    if (database.generation !== this.#generation) this.#forget();
    const ids = database
      .sql("SELECT id FROM segments ORDER BY id")
      .all()
      .map(({ id }) => id as number);
    const known = new Map(this.#segments.map((segment) => [segment.id, segment]));
    const sequence = database.number("SELECT value AS n FROM meta WHERE name = 'sequence'");
    const same = ids.length === known.size && ids.every((id) => known.has(id));
    if (same && sequence === this.#removedUpTo) return;
    const removed = database
      .sql("SELECT chunk FROM removed WHERE sequence > ?")
      .all(this.#removedUpTo)
      .map(({ chunk }) => chunk as number);
    for (const segment of this.#segments) for (const chunk of removed) kill(segment, chunk);
    this.#segments = ids.map((id) => known.get(id) ?? this.#load(id));
    this.#removedUpTo = sequence;
    this.#weigh();
  }

  /**
   * The passages with the greatest scores, best first.
   * @param allowed the only passages to consider; default all.
   */
  search(terms: readonly string[], limit: number, allowed?: ReadonlySet<number>): ScoredKey[] {
    const best = new TopKeys(limit);
    const weighed = this.#weighed(terms);
    for (const segment of this.#segments) {
      const { chunks, dead, norms, scores } = segment;
      for (const { term, idf } of weighed) {
        const { ordinals, counts } = this.#postings(segment.id, term);
        const factor = termFactor(idf);
        for (let at = 0; at < ordinals.length; at++) {
          const ordinal = ordinals[at]!;
          const count = counts[at]!;
          scores[ordinal] = scores[ordinal]! + (factor * count) / (count + norms[ordinal]!);
        }
      }
      for (let ordinal = 0; ordinal < scores.length; ordinal++) {
        const score = scores[ordinal]!;
        if (score === 0 || score < best.least || dead[ordinal] === 1) continue;
        if (allowed === undefined || allowed.has(chunks[ordinal]!)) best.offer(chunks[ordinal]!, score);
      }
      scores.fill(0);
    }
    return best.ranked();
  }

  /** The scores of passages, by term. */
  scoresOf(terms: readonly string[], chunks: readonly number[]): TermScores[] {
    const weighed = this.#weighed(terms);
    return chunks.map((key) => {
      const words: { [term: string]: number } = {};
      let score = 0;
      for (const segment of this.#segments) {
        const ordinal = indexOf(segment.chunks, key);
        if (ordinal < 0) continue;
        for (const { term, idf } of weighed) {
          const { ordinals, counts } = this.#postings(segment.id, term);
          const at = indexOf(ordinals, ordinal);
          if (at < 0) continue;
          const count = counts[at]!;
          words[term] = (termFactor(idf) * count) / (count + segment.norms[ordinal]!);
          score += words[term];
        }
        break;
      }
      return { key, score, words };
    });
  }

  /** The terms that tell most about a text, given how often each stands there. */
  telling(counts: ReadonlyMap<string, number>, limit: number): string[] {
    return this.#weighed([...counts.keys()])
      .map(({ term, idf }) => ({ term, weight: idf * Math.sqrt(counts.get(term)!) }))
      .sort((a, b) => b.weight - a.weight)
      .slice(0, limit)
      .map(({ term }) => term);
  }

  #weighed(terms: readonly string[]): { term: string; idf: number }[] {
    const count = this.#database.sql("SELECT size AS n FROM postings WHERE segment = ? AND term = ?");
    return terms.map((term) => {
      let matching = 0;
      for (const { id } of this.#segments) {
        const cached = this.#cache.get(`${id} ${term}`)?.ordinals.length;
        matching += cached ?? (count.get(id, term)?.["n"] as number | undefined) ?? 0;
      }
      return { term, idf: inverseFrequency(matching, this.#alive) };
    });
  }

  #postings(segment: number, term: string): Postings {
    const key = `${segment} ${term}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined) {
      // The most recently used stands last.
      this.#cache.delete(key);
      this.#cache.set(key, cached);
      return cached;
    }
    const row = this.#database
      .sql("SELECT size, data, crc FROM postings WHERE segment = ? AND term = ?")
      .get(segment, term);
    if (row === undefined) return none;
    const data = row["data"] as Uint8Array;
    if (crc32(data) !== row["crc"]) throw damaged(this.#database.path, `other postings of ${JSON.stringify(term)}`);
    const postings = decodePostings(data, row["size"] as number);
    this.#cache.set(key, postings);
    this.#cached += postings.ordinals.length;
    for (const [oldest, { ordinals }] of this.#cache) {
      if (this.#cached <= mostCached || oldest === key) break;
      this.#cache.delete(oldest);
      this.#cached -= ordinals.length;
    }
    return postings;
  }

  #load(id: number): LoadedSegment {
    const row = this.#database.sql("SELECT chunks, lengths, crc FROM segments WHERE id = ?").get(id)!;
    const [ids, sizes] = [row["chunks"] as Uint8Array, row["lengths"] as Uint8Array];
    if (crc32(sizes, crc32(ids)) !== row["crc"]) throw damaged(this.#database.path, `another segment ${id}`);
    const chunks = new Int32Array(ids.slice().buffer);
    const exists = this.#database.sql("SELECT id FROM chunks WHERE id >= ? AND id <= ? ORDER BY id");
    const dead = new Uint8Array(chunks.length).fill(1);
    let at = 0;
    for (const { id: chunk } of exists.iterate(chunks[0] ?? 0, chunks.at(-1) ?? 0)) {
      while (at < chunks.length && chunks[at]! < (chunk as number)) at++;
      if (chunks[at] === chunk) dead[at] = 0;
    }
    const scores = new Float32Array(chunks.length);
    return { id, chunks, lengths: new Int32Array(sizes.slice().buffer), dead, norms: new Float32Array(0), scores };
  }

  #forget(): void {
    this.#generation = this.#database.generation;
    this.#segments = [];
    this.#cache.clear();
    this.#cached = 0;
    this.#removedUpTo = 0;
  }

  /** Lengths are compared with the mean over all passages, which every change moves. */
  #weigh(): void {
    let total = 0;
    this.#alive = 0;
    for (const { dead, lengths } of this.#segments) {
      for (let at = 0; at < dead.length; at++) {
        if (dead[at] === 1) continue;
        this.#alive++;
        total += lengths[at]!;
      }
    }
    this.#mean = Math.max(1, total / Math.max(1, this.#alive));
    const ids = new Set(this.#segments.map(({ id }) => id));
    for (const segment of this.#segments) {
      segment.norms = Float32Array.from(segment.lengths, (length) => lengthNorm(length, this.#mean));
    }
    for (const [key, { ordinals }] of this.#cache) {
      if (ids.has(Number.parseInt(key, 10))) continue;
      this.#cache.delete(key);
      this.#cached -= ordinals.length;
    }
  }
}

const none: Postings = { ordinals: new Int32Array(0), counts: new Uint16Array(0) };

function kill({ chunks, dead }: LoadedSegment, chunk: number): void {
  const at = indexOf(chunks, chunk);
  if (at >= 0) dead[at] = 1;
}

/** The place of a number in a rising array, or -1. */
function indexOf(rising: Int32Array, wanted: number): number {
  let [low, high] = [0, rising.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! < wanted) low = middle + 1;
    else if (rising[middle]! > wanted) high = middle - 1;
    else return middle;
  }
  return -1;
}
