import { crc32 } from "node:zlib";
import type { IndexDatabase } from "../store/index-database.ts";
import { damaged } from "../store/sqlite-error.ts";
import { decodePostings, type Postings } from "./postings.ts";

/** Numbers that are kept unpacked. */
const most = 8_000_000;
/** What a term costs besides its numbers. */
const overhead = 16;

const none: Postings = { ordinals: new Int32Array(0), counts: new Uint16Array(0) };

/** Postings of segments, unpacked once; those that were used last are kept. */
export class PostingsCache {
  readonly #database: IndexDatabase;
  /** By term, then by segment; the term that was used last stands last. */
  readonly #terms = new Map<string, Map<number, Postings>>();
  #size = 0;

  constructor(database: IndexDatabase) {
    this.#database = database;
  }

  /** A term's postings in each of some segments; within a read. @throws PipeError `index-damaged`. */
  of(term: string, segments: readonly { readonly id: number }[]): readonly Postings[] {
    const known = this.#terms.get(term) ?? new Map<number, Postings>();
    this.#terms.delete(term);
    this.#terms.set(term, known);
    const all = segments.map(({ id }) => known.get(id) ?? this.#load(known, id, term));
    for (const [oldest, theirs] of this.#terms) {
      if (this.#size <= most || oldest === term) break;
      this.#forget(oldest, theirs);
    }
    return all;
  }

  /** Forgets the postings of all other segments. */
  retain(segments: ReadonlySet<number>): void {
    for (const theirs of this.#terms.values()) {
      for (const [id, postings] of theirs) {
        if (segments.has(id)) continue;
        theirs.delete(id);
        this.#size -= sizeOf(postings);
      }
    }
  }

  clear(): void {
    this.#terms.clear();
    this.#size = 0;
  }

  #load(known: Map<number, Postings>, segment: number, term: string): Postings {
    const row = this.#database
      .sql("SELECT size, data, crc FROM postings WHERE segment = ? AND term = ?")
      .get(segment, term);
    const postings = row === undefined ? none : this.#unpacked(row, term);
    known.set(segment, postings);
    this.#size += sizeOf(postings);
    return postings;
  }

  #unpacked(row: { readonly [column: string]: unknown }, term: string): Postings {
    const data = row["data"] as Uint8Array;
    if (crc32(data) !== row["crc"]) throw damaged(this.#database.path, `other postings of ${JSON.stringify(term)}`);
    return decodePostings(data, row["size"] as number);
  }

  #forget(term: string, theirs: ReadonlyMap<number, Postings>): void {
    this.#terms.delete(term);
    for (const postings of theirs.values()) this.#size -= sizeOf(postings);
  }
}

function sizeOf({ ordinals }: Postings): number {
  return ordinals.length + overhead;
}
