import { crc32 } from "node:zlib";
import type { IndexDatabase } from "../store/index-database.ts";
import { damaged } from "../store/sqlite-error.ts";
import type { ScoredKey } from "@pipe/core";
import { inverseFrequency, lengthNorm, termFactor } from "./bm25.ts";
import type { Postings } from "./postings.ts";
import { PostingsCache } from "./postings-cache.ts";
import { type AllScores, TopKeys } from "../search/top-keys.ts";

type LoadedSegment = {
  readonly id: number;
  readonly chunks: Int32Array;
  readonly lengths: Int32Array;
  /** 1 where the passage is gone. */
  readonly dead: Uint8Array;
  /** How many are gone. */
  gone: number;
  norms: Float32Array;
  readonly scores: Float32Array;
};

/** Terms of which it is remembered how many passages have them. */
const mostCounted = 10_000;

/** The BM25 score of a passage, and what each term gives to it. */
export type TermScores = ScoredKey & { readonly words: { readonly [term: string]: number } };

/** A term of a query: how rare it is, and its postings in each segment. */
type WeighedTerm = { readonly term: string; readonly idf: number; readonly postings: readonly Postings[] };

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
  readonly #postings: PostingsCache;
  /** How many passages have a term, of the terms that were asked for since the last change. */
  readonly #matching = new Map<string, number>();
  #generation = 0;

  constructor(database: IndexDatabase) {
    this.#database = database;
    this.#postings = new PostingsCache(database);
  }

  /** Takes in what was written since the last call; within a read. */
  refresh(): void {
    const database = this.#database;
    if (database.generation !== this.#generation) this.#forget();
    const stored = database.sql("SELECT id, size FROM segments ORDER BY id").all();
    const ids = stored.map(({ id }) => id as number);
    const known = new Map(this.#segments.map((segment) => [segment.id, segment]));
    const sequence = database.number("SELECT value AS n FROM meta WHERE name = 'sequence'");
    const same = ids.length === known.size && ids.every((id) => known.has(id));
    if (same && sequence === this.#removedUpTo) return;
    const removed = database
      .sql("SELECT chunk FROM removed WHERE sequence > ?")
      .all(this.#removedUpTo)
      .map(({ chunk }) => chunk as number);
    for (const segment of this.#segments) for (const chunk of removed) kill(segment, chunk);
    // A passage has its words in one segment: where there are as many, none is gone.
    const isWhole =
      database.number("SELECT count(*) AS n FROM chunks") ===
      stored.reduce((sum, { size }) => sum + (size as number), 0);
    this.#segments = ids.map((id) => known.get(id) ?? this.#load(id, isWhole));
    this.#removedUpTo = sequence;
    this.#weigh();
  }

  /**
   * The passages with the greatest scores, best first.
   * @param allowed the only passages to consider; default all.
   */
  search(terms: readonly string[], limit: number, allowed?: ReadonlySet<number>): ScoredKey[] {
    this.#add(terms);
    return this.#best(limit, allowed);
  }

  /** Scores all passages. What it gives holds until the next call. */
  score(terms: readonly string[]): AllScores {
    this.#add(terms);
    return {
      best: (limit) => this.#best(limit),
      of: (chunk) => {
        for (const { chunks, dead, scores } of this.#segments) {
          const ordinal = indexOf(chunks, chunk);
          if (ordinal >= 0 && dead[ordinal] === 0) return scores[ordinal];
        }
        return undefined;
      },
    };
  }

  /** The scores of passages, by term. */
  scoresOf(terms: readonly string[], chunks: readonly number[]): TermScores[] {
    const scored = chunks.map((key) => ({ key, score: 0, words: {} as { [term: string]: number } }));
    const weighed = this.#weighed(terms);
    for (const [at, { chunks: all, norms }] of this.#segments.entries()) {
      for (const each of scored) {
        const ordinal = indexOf(all, each.key);
        if (ordinal < 0) continue;
        for (const { term, idf, postings } of weighed) {
          const { ordinals, counts } = postings[at]!;
          const place = indexOf(ordinals, ordinal);
          if (place < 0) continue;
          const count = counts[place]!;
          each.words[term] = (termFactor(idf) * count) / (count + norms[ordinal]!);
          each.score += each.words[term];
        }
      }
    }
    return scored;
  }

  /** The terms that tell most about a text, given how often each stands there. */
  telling(counts: ReadonlyMap<string, number>, limit: number): string[] {
    const size = this.#database.sql("SELECT size AS n FROM postings WHERE segment = ? AND term = ?");
    const isWhole = this.#segments.every(({ gone }) => gone === 0);
    // Of many terms the postings need not be unpacked only to be counted.
    const matching = (term: string): number =>
      isWhole
        ? this.#segments.reduce((sum, { id }) => sum + ((size.get(id, term)?.["n"] as number | undefined) ?? 0), 0)
        : this.#countOf(term, this.#postings.of(term, this.#segments));
    return Array.from(counts, ([term, count]) => {
      return { term, weight: inverseFrequency(matching(term), this.#alive) * Math.sqrt(count) };
    })
      .sort((a, b) => b.weight - a.weight)
      .slice(0, limit)
      .map(({ term }) => term);
  }

  /** Adds up what terms give to each passage. */
  #add(terms: readonly string[]): void {
    const weighed = this.#weighed(terms);
    for (const [at, { norms, scores }] of this.#segments.entries()) {
      scores.fill(0);
      for (const { idf, postings } of weighed) {
        const { ordinals, counts } = postings[at]!;
        const factor = termFactor(idf);
        for (let place = 0; place < ordinals.length; place++) {
          const ordinal = ordinals[place]!;
          const count = counts[place]!;
          scores[ordinal] = scores[ordinal]! + (factor * count) / (count + norms[ordinal]!);
        }
      }
    }
  }

  #best(limit: number, allowed?: ReadonlySet<number>): ScoredKey[] {
    const best = new TopKeys(limit);
    for (const { chunks, dead, scores } of this.#segments) {
      for (let ordinal = 0; ordinal < scores.length; ordinal++) {
        const score = scores[ordinal]!;
        if (score === 0 || score < best.least || dead[ordinal] === 1) continue;
        if (allowed === undefined || allowed.has(chunks[ordinal]!)) best.offer(chunks[ordinal]!, score);
      }
    }
    return best.ranked();
  }

  #weighed(terms: readonly string[]): WeighedTerm[] {
    return terms.map((term) => {
      const postings = this.#postings.of(term, this.#segments);
      return { term, idf: inverseFrequency(this.#countOf(term, postings), this.#alive), postings };
    });
  }

  /** How many passages have a term. Those that are gone do not count: a text that is often changed would count each time. */
  #countOf(term: string, postings: readonly Postings[]): number {
    let count = this.#matching.get(term);
    if (count !== undefined) return count;
    count = 0;
    for (const [at, { dead, gone }] of this.#segments.entries()) {
      const { ordinals } = postings[at]!;
      count += ordinals.length;
      if (gone > 0) for (let place = 0; place < ordinals.length; place++) count -= dead[ordinals[place]!]!;
    }
    if (this.#matching.size >= mostCounted) this.#matching.clear();
    this.#matching.set(term, count);
    return count;
  }

  #load(id: number, isWhole: boolean): LoadedSegment {
    const row = this.#database.sql("SELECT chunks, lengths, crc FROM segments WHERE id = ?").get(id)!;
    const [ids, sizes] = [row["chunks"] as Uint8Array, row["lengths"] as Uint8Array];
    if (crc32(sizes, crc32(ids)) !== row["crc"]) throw damaged(this.#database.path, `another segment ${id}`);
    const chunks = new Int32Array(ids.slice().buffer);
    const dead = isWhole ? new Uint8Array(chunks.length) : this.#gone(chunks);
    const scores = new Float32Array(chunks.length);
    const lengths = new Int32Array(sizes.slice().buffer);
    return { id, chunks, lengths, dead, gone: 0, norms: new Float32Array(0), scores };
  }

  /** 1 for each of some passages, given in the order of their ids, that is no longer there. */
  #gone(chunks: Int32Array): Uint8Array {
    const gone = new Uint8Array(chunks.length).fill(1);
    const exists = this.#database.sql("SELECT id FROM chunks WHERE id >= ? AND id <= ? ORDER BY id");
    let at = 0;
    for (const { id: chunk } of exists.iterate(chunks[0] ?? 0, chunks.at(-1) ?? 0)) {
      while (at < chunks.length && chunks[at]! < (chunk as number)) at++;
      if (chunks[at] === chunk) gone[at] = 0;
    }
    return gone;
  }

  #forget(): void {
    this.#generation = this.#database.generation;
    this.#segments = [];
    this.#postings.clear();
    this.#removedUpTo = 0;
  }

  /** Lengths are compared with the mean over all passages, which every change moves. */
  #weigh(): void {
    let total = 0;
    this.#alive = 0;
    for (const segment of this.#segments) {
      const { dead, lengths } = segment;
      let alive = 0;
      for (let at = 0; at < dead.length; at++) {
        if (dead[at] === 1) continue;
        alive++;
        total += lengths[at]!;
      }
      segment.gone = dead.length - alive;
      this.#alive += alive;
    }
    this.#matching.clear();
    this.#mean = Math.max(1, total / Math.max(1, this.#alive));
    for (const segment of this.#segments) {
      segment.norms = Float32Array.from(segment.lengths, (length) => lengthNorm(length, this.#mean));
    }
    this.#postings.retain(new Set(this.#segments.map(({ id }) => id)));
  }
}

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
