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
    if (segments.some(({ id }) => !known.has(id))) this.#load(known, segments, term);
    const all = segments.map(({ id }) => known.get(id)!);
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

  /** Reads a term's postings of all segments at once: most of the time of a read goes into asking. */
  #load(known: Map<number, Postings>, segments: readonly { readonly id: number }[], term: string): void {
    const rows = this.#database
      .sql("SELECT segment, size, data, crc FROM postings WHERE segment IN (SELECT id FROM segments) AND term = ?")
      .all(term);
    const stored = new Map(rows.map((row) => [row["segment"] as number, row]));
    for (const { id } of segments) {
      if (known.has(id)) continue;
      const row = stored.get(id);
      const postings = row === undefined ? none : this.#unpacked(row, term);
      known.set(id, postings);
      this.#size += sizeOf(postings);
    }
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
