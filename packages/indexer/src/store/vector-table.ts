import { crc32 } from "node:zlib";
import type { ScoredKey, VectorSpace } from "@pipe/core";
import { byScore } from "../search/top-keys.ts";
import type { IndexDatabase } from "./index-database.ts";
import { decodeVector, encodeVector } from "./stored-vector.ts";
import { textOf, wholeText } from "./stored-text.ts";

/** A passage that waits for its vector. */
export type PendingChunk = {
  readonly chunk: number;
  readonly document: string;
  readonly collection: string;
  readonly text: string;
};

/** Vectors that were added, and passages that were removed, after a change. */
export type StoredChanges = {
  readonly rows: readonly { readonly key: number; readonly vector: Float32Array }[];
  readonly removed: readonly number[];
  /** Where the next part begins; absent behind the last. */
  readonly next?: ChangePlace;
  /** Number of the last change of the index. */
  readonly sequence: number;
};

/** Behind a row of the changes of a space. */
export type ChangePlace = { readonly sequence: number; readonly key: number };

/** The number of a space, if the index has it. */
export function spaceNumber(database: IndexDatabase, { id, step, dimensions }: VectorSpace): number | undefined {
  const find = database.sql("SELECT number FROM spaces WHERE id = ? AND ifnull(step, -1) = ? AND dimensions = ?");
  return find.get(id, step ?? -1, dimensions)?.["number"] as number | undefined;
}

/** All spaces with the number of their vectors; the latest last. */
export function listSpaces(database: IndexDatabase): (VectorSpace & { number: number; vectors: number })[] {
  const rows = database
    .sql(
      `SELECT number, id, step, dimensions, (SELECT count(*) FROM vectors WHERE space = number) AS vectors
       FROM spaces ORDER BY number`,
    )
    .all();
  return rows.map((row) => ({
    number: row["number"] as number,
    id: row["id"] as string,
    ...(row["step"] === null ? {} : { step: row["step"] as number }),
    dimensions: row["dimensions"] as number,
    vectors: row["vectors"] as number,
  }));
}

/**
 * Stores vectors of passages, within a transaction, in place of those of other steps of the same model; one whose passage was
 * removed meanwhile is dropped.
 */
export function putVectors(
  database: IndexDatabase,
  space: VectorSpace,
  rows: readonly { readonly chunk: number; readonly vector: Float32Array }[],
): void {
  let number = spaceNumber(database, space);
  if (number === undefined) {
    const { id, step, dimensions } = space;
    const insert = database.sql("INSERT INTO spaces (id, step, dimensions) VALUES (?, ?, ?)");
    number = Number(insert.run(id, step ?? null, dimensions).lastInsertRowid);
  }
  const insert = database.sql(
    "INSERT OR REPLACE INTO vectors (space, chunk, sequence, vector, crc) SELECT ?, id, ?, ?, ? FROM chunks WHERE id = ?",
  );
  const others = database
    .sql("SELECT number FROM spaces WHERE id = ? AND dimensions = ? AND number <> ?")
    .all(space.id, space.dimensions, number);
  const replace = database.sql("DELETE FROM vectors WHERE space = ? AND chunk = ?");
  for (const { chunk, vector } of rows) {
    const { bytes, crc } = encodeVector(vector);
    insert.run(number, database.sequence, bytes, crc, chunk);
    for (const other of others) replace.run(other["number"] as number, chunk);
  }
}

/** How many passages have no vector of a space. */
export function countPending(database: IndexDatabase, space: VectorSpace): number {
  const embedded = database.number(
    "SELECT count(*) AS n FROM vectors WHERE space = ?",
    spaceNumber(database, space) ?? -1,
  );
  return database.number("SELECT count(*) AS n FROM chunks") - embedded;
}

/** Passages without a vector of a space, behind a passage. */
export function pendingChunks(
  database: IndexDatabase,
  space: VectorSpace,
  after: number,
  limit: number,
): PendingChunk[] {
  const rows = database
    .sql(
      `SELECT chunks.id AS chunk, documents.id AS document, collection, ${wholeText("context")}, ${wholeText("text")} FROM chunks
       JOIN documents ON documents.number = chunks.document
       WHERE chunks.id > ? AND NOT EXISTS (SELECT 1 FROM vectors WHERE space = ? AND chunk = chunks.id)
       ORDER BY chunks.id LIMIT ?`,
    )
    .all(after, spaceNumber(database, space) ?? -1, limit);
  return rows.map(pendingOf);
}

/** Passages without a vector of a space: those with none at all first, then by the step of the one that they have. */
export function oldestChunks(database: IndexDatabase, space: VectorSpace, limit: number): PendingChunk[] {
  const { id, step, dimensions } = space;
  const rows = database
    .sql(
      `SELECT chunks.id AS chunk, documents.id AS document, collection, ${wholeText("context")}, ${wholeText("text")}, max(ifnull(s.step, -1)) AS newest
       FROM chunks JOIN documents ON documents.number = chunks.document
       LEFT JOIN vectors ON vectors.chunk = chunks.id
       LEFT JOIN spaces s ON s.number = vectors.space AND s.id = ? AND s.dimensions = ?
       GROUP BY chunks.id HAVING count(s.number) = 0 OR newest <> ifnull(?, -1) ORDER BY newest, chunks.id LIMIT ?`,
    )
    .all(id, dimensions, step ?? null, limit);
  return rows.map(pendingOf);
}

function pendingOf(row: { readonly [column: string]: unknown }): PendingChunk {
  return {
    chunk: row["chunk"] as number,
    document: row["document"] as string,
    collection: row["collection"] as string,
    text: embeddedText(textOf(row["context"]), textOf(row["text"])),
  };
}

/** What is embedded of a passage. */
export function embeddedText(context: string, text: string): string {
  return `${context}\n${text}`.trim();
}

/**
 * A part of the changes of a space behind a place, in order; the last part also has what was removed.
 * @param since the change behind which removals are told.
 * @throws PipeError `index-damaged`.
 */
export function changesOf(
  database: IndexDatabase,
  space: VectorSpace,
  from: ChangePlace,
  since: number,
  limit: number,
): StoredChanges {
  const sequence = database.number("SELECT value AS n FROM meta WHERE name = 'sequence'");
  const stored = database
    .sql(
      `SELECT chunk, sequence, vector, crc FROM vectors
       WHERE space = ? AND (sequence, chunk) > (?, ?) ORDER BY sequence, chunk LIMIT ?`,
    )
    .all(spaceNumber(database, space) ?? -1, from.sequence, from.key, limit);
  const isLast = stored.length < limit;
  const removed = isLast && since > 0 ? database.sql("SELECT chunk FROM removed WHERE sequence > ?").all(since) : [];
  // In one piece of memory, which goes to another thread as one.
  const all = new Float32Array(stored.length * space.dimensions);
  const rows = stored.map((row, at) => {
    const vector = all.subarray(at * space.dimensions, (at + 1) * space.dimensions);
    vector.set(vectorOf(database, row["chunk"] as number, row["vector"], row["crc"], space.dimensions));
    return { key: row["chunk"] as number, vector };
  });
  const last = stored.at(-1);
  return {
    rows,
    removed: removed.map(({ chunk }) => chunk as number),
    ...(isLast || last === undefined
      ? {}
      : { next: { sequence: last["sequence"] as number, key: last["chunk"] as number } }),
    sequence,
  };
}

/** A key behind all of a change: `{ sequence, key: lastKey }` is the place behind a whole change. */
export const lastKey = Number.MAX_SAFE_INTEGER;

/** Passages that have a vector in a space. */
export function embeddedChunks(database: IndexDatabase, space: VectorSpace): number[] {
  const rows = database.sql("SELECT chunk FROM vectors WHERE space = ?").all(spaceNumber(database, space) ?? -1);
  return rows.map(({ chunk }) => chunk as number);
}

/** Exact scores of passages; those without a vector in the space, or with one of zeros, are left out. @throws PipeError `index-damaged`. */
export function exactScores(
  database: IndexDatabase,
  space: VectorSpace,
  query: Float32Array,
  chunks: Iterable<number>,
): ScoredKey[] {
  const number = spaceNumber(database, space) ?? -1;
  const read = database.sql("SELECT vector, crc FROM vectors WHERE space = ? AND chunk = ?");
  const scored: ScoredKey[] = [];
  for (const key of chunks) {
    const row = read.get(number, key);
    if (row === undefined) continue;
    const vector = vectorOf(database, key, row["vector"], row["crc"], space.dimensions);
    const score = innerProduct(vector, query);
    if (score !== 0 || vector.some((value) => value !== 0)) scored.push({ key, score });
  }
  return scored.sort(byScore);
}

/** The sum of products in order, as all exact scores are computed. */
export function innerProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The mean direction of a document's passages in a space; nothing where none has a vector. */
export function meanVector(
  database: IndexDatabase,
  space: VectorSpace,
  chunks: readonly number[],
): Float32Array | undefined {
  const number = spaceNumber(database, space) ?? -1;
  const read = database.sql("SELECT vector, crc FROM vectors WHERE space = ? AND chunk = ?");
  const sum = new Float32Array(space.dimensions);
  for (const chunk of chunks) {
    const row = read.get(number, chunk);
    if (row === undefined) continue;
    const vector = vectorOf(database, chunk, row["vector"], row["crc"], space.dimensions);
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + vector[i]!;
  }
  const norm = Math.hypot(...sum);
  return norm === 0 ? undefined : sum.map((value) => value / norm);
}

/** Passages whose stored vector is not what was written. */
export function damagedVectors(database: IndexDatabase): { space: number; chunk: number }[] {
  const rows = database.connection
    .prepare(
      `SELECT space, chunk, vector, crc, spaces.dimensions AS dimensions FROM vectors
       JOIN spaces ON spaces.number = vectors.space`,
    )
    .iterate();
  const bad: { space: number; chunk: number }[] = [];
  for (const row of rows) {
    const bytes = row["vector"] as Uint8Array;
    if (bytes.byteLength === (row["dimensions"] as number) * 4 && crc32(bytes) === row["crc"]) continue;
    bad.push({ space: row["space"] as number, chunk: row["chunk"] as number });
  }
  return bad;
}

function vectorOf(
  database: IndexDatabase,
  chunk: number,
  bytes: unknown,
  crc: unknown,
  dimensions: number,
): Float32Array {
  return decodeVector(
    { bytes: bytes as Uint8Array, crc: crc as number },
    dimensions,
    `${database.path}, passage ${chunk}`,
  );
}
