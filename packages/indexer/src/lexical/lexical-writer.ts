import { crc32 } from "node:zlib";
import { bytesOf } from "@pipe/core";
import type { IndexDatabase } from "../store/index-database.ts";
import { decodePostings, encodePostings } from "./postings.ts";
import { type Segment, SegmentBuilder } from "./segment-builder.ts";
import { textOf, wholeText } from "../store/stored-text.ts";

/** Segments of about one size that become one. */
const fanIn = 8;

/** Writes the words of passages as segments, and merges small segments into larger ones. */
export class LexicalWriter {
  readonly #database: IndexDatabase;
  #builder = new SegmentBuilder();

  constructor(database: IndexDatabase) {
    this.#database = database;
  }

  /** Adds a new passage, within a transaction. */
  add(chunk: number, context: string, text: string): void {
    this.#builder.add(chunk, context, text);
  }

  /** Forgets what was added in a transaction that failed. */
  reset(): void {
    this.#builder = new SegmentBuilder();
  }

  /** Stores what was added, within its transaction. */
  flush(): void {
    if (this.#builder.size === 0) return;
    store(this.#database, this.#builder.segment());
    this.reset();
    for (let some = this.#crowded(); some !== undefined; some = this.#crowded()) this.#merge(some);
  }

  /** Merges all segments into one without the passages that are gone, within a transaction. */
  compact(): void {
    const all = this.#database.sql("SELECT id FROM segments").all();
    if (all.length > 0) this.#merge(all.map(({ id }) => id as number));
  }

  /** Reads every passage anew, within a transaction. */
  rebuild(): void {
    this.#database.connection.exec("DELETE FROM postings; DELETE FROM segments");
    this.reset();
    const rows = this.#database.connection
      .prepare(`SELECT id, ${wholeText("context")}, ${wholeText("text")} FROM chunks ORDER BY id`)
      .iterate();
    for (const { id, context, text } of rows) {
      this.add(id as number, textOf(context), textOf(text));
      if (this.#builder.size === 10_000) this.flush();
    }
    this.flush();
  }

  #crowded(): number[] | undefined {
    const tiers = new Map<number, number[]>();
    for (const { id, size } of this.#database.sql("SELECT id, size FROM segments ORDER BY id").all()) {
      const tier = Math.floor(Math.log(Math.max(1, (size as number) / 16)) / Math.log(fanIn));
      const some = tiers.get(tier) ?? [];
      some.push(id as number);
      if (some.length === fanIn) return some;
      tiers.set(tier, some);
    }
    return undefined;
  }

  #merge(ids: readonly number[]): void {
    const database = this.#database;
    const exists = database.sql("SELECT 1 FROM chunks WHERE id = ?");
    const read = database.sql("SELECT chunks, lengths FROM segments WHERE id = ?");
    const alive: { chunk: number; length: number; source: number; ordinal: number }[] = [];
    const maps = ids.map((id, source) => {
      const { chunks, lengths } = read.get(id) as { chunks: Uint8Array; lengths: Uint8Array };
      const all = new Int32Array(chunks.slice().buffer);
      const sizes = new Int32Array(lengths.slice().buffer);
      all.forEach((chunk, ordinal) => {
        if (exists.get(chunk) !== undefined) alive.push({ chunk, length: sizes[ordinal]!, source, ordinal });
      });
      return new Int32Array(all.length).fill(-1);
    });
    alive.sort((a, b) => a.chunk - b.chunk);
    for (const [place, { source, ordinal }] of alive.entries()) maps[source]![ordinal] = place;
    if (alive.length > 0) {
      store(database, {
        chunks: Int32Array.from(alive, ({ chunk }) => chunk),
        lengths: Int32Array.from(alive, ({ length }) => length),
        terms: mergedTerms(database, ids, maps),
      });
    }
    for (const id of ids) {
      database.sql("DELETE FROM postings WHERE segment = ?").run(id);
      database.sql("DELETE FROM segments WHERE id = ?").run(id);
    }
  }
}

function store(database: IndexDatabase, { chunks, lengths, terms }: Segment): void {
  const [ids, sizes] = [bytesOf(chunks), bytesOf(lengths)];
  const { lastInsertRowid } = database
    .sql("INSERT INTO segments (size, chunks, lengths, crc) VALUES (?, ?, ?, ?)")
    .run(chunks.length, ids, sizes, crc32(sizes, crc32(ids)));
  const insert = database.sql("INSERT INTO postings (segment, term, size, data, crc) VALUES (?, ?, ?, ?, ?)");
  for (const { term, size, data } of terms) insert.run(lastInsertRowid, term, size, data, crc32(data));
}

/** Terms of several segments in order, each with the postings of all. */
function* mergedTerms(
  database: IndexDatabase,
  ids: readonly number[],
  maps: readonly Int32Array[],
): Generator<{ term: string; size: number; data: Uint8Array }> {
  const heads = ids.map((id, source) => {
    // Statements of their own: all run at the same time.
    const rows = database.connection
      .prepare("SELECT term, size, data FROM postings WHERE segment = ? ORDER BY term")
      .iterate(id);
    return { rows, map: maps[source]!, row: rows.next().value };
  });
  for (;;) {
    let least: string | undefined;
    for (const { row } of heads) {
      const term = row?.["term"] as string | undefined;
      if (term !== undefined && (least === undefined || before(term, least))) least = term;
    }
    if (least === undefined) return;
    const pairs: number[] = [];
    for (const head of heads) {
      if (head.row?.["term"] !== least) continue;
      const { ordinals, counts } = decodePostings(head.row["data"] as Uint8Array, head.row["size"] as number);
      for (let at = 0; at < ordinals.length; at++) {
        const place = head.map[ordinals[at]!]!;
        if (place >= 0) pairs.push(place, counts[at]!);
      }
      head.row = head.rows.next().value;
    }
    if (pairs.length > 0) yield { term: least, size: pairs.length / 2, data: encodePostings(inOrder(pairs)) };
  }
}

/** As SQLite orders text, which is by code points. */
function before(a: string, b: string): boolean {
  const plain = !/[\ud800-\udbff]/.test(a) && !/[\ud800-\udbff]/.test(b);
  return plain ? a < b : Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

/** Segments seldom overlap, so that there is seldom anything to sort. */
function inOrder(pairs: number[]): number[] {
  let rising = true;
  for (let at = 2; at < pairs.length && rising; at += 2) rising = pairs[at]! > pairs[at - 2]!;
  if (rising) return pairs;
  const order = Array.from({ length: pairs.length / 2 }, (_, at) => 2 * at).sort((a, b) => pairs[a]! - pairs[b]!);
  return order.flatMap((at) => [pairs[at]!, pairs[at + 1]!]);
}
