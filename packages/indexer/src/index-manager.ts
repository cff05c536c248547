import { existsSync, statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { PipeError, type IEmbedder, type IndexStatus } from "@pipe/core";
import type { ProcessedDocument } from "./document-processor.ts";
import { openIndexFile } from "./index-file.ts";
import { decodeVector, encodeVector, type StoredVector } from "./stored-vector.ts";

/** A space of vectors; those of different spaces are never compared. */
export type VectorSpace = IEmbedder["space"];

/** A chunk with a score; higher is better. */
export type ScoredChunk = { readonly chunk: number; readonly score: number };

/** A stored passage. */
export type StoredChunk = {
  readonly chunk: number;
  readonly document: string;
  readonly path: string;
  /** Its number within the document. */
  readonly place: number;
  readonly line: number;
  readonly heading: readonly string[];
  readonly text: string;
};

/** A passage that waits for its vector. */
export type PendingChunk = { readonly chunk: number; readonly document: string; readonly text: string };

/** Keeps documents, passages, words and vectors in one SQLite file; several processes may read while one writes. */
export class IndexManager {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  #open = true;

  /**
   * Opens the index of a folder.
   * @param options.create whether to make it where it is not there; default true.
   * @throws PipeError `index-missing`, `index-foreign`, `index-newer`, `index-damaged`.
   */
  constructor(options: { readonly folder: string; readonly create?: boolean }) {
    const { database, path } = openIndexFile(options.folder, options.create ?? true);
    this.#database = database;
    this.#path = path;
  }

  /** Runs writes as one: all of them or none. */
  transaction<T>(body: () => T): T {
    this.#sql("BEGIN IMMEDIATE").run();
    try {
      const result = body();
      this.#sql("COMMIT").run();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#sql("ROLLBACK").run();
      throw error;
    }
  }

  /** The hash under which a document is stored. */
  hashOf(id: string): string | undefined {
    return this.#sql("SELECT hash FROM documents WHERE id = ?").get(id)?.["hash"] as string | undefined;
  }

  /** Stores a document in place of its older version. */
  put({ id, path, hash, title, metadata, chunks }: ProcessedDocument): void {
    this.remove(id);
    const { lastInsertRowid } = this.#sql(
      "INSERT INTO documents (id, path, hash, title, metadata) VALUES (?, ?, ?, ?, ?)",
    ).run(id, path, hash, title ?? null, metadata === undefined ? null : JSON.stringify(metadata));
    const insert = this.#sql(
      `INSERT INTO chunks (document, place, begin, "end", line, heading, context, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const [place, { begin, end, line, heading, context, text }] of chunks.entries()) {
      insert.run(lastInsertRowid, place, begin, end, line, JSON.stringify(heading), context, text);
    }
  }

  /** Removes a document with its passages and vectors; returns whether it was there. */
  remove(id: string): boolean {
    return this.#sql("DELETE FROM documents WHERE id = ?").run(id).changes > 0;
  }

  /** Removes the documents whose ids are not in a set; returns how many. */
  prune(keep: ReadonlySet<string>): number {
    const gone = this.#sql("SELECT id FROM documents")
      .all()
      .filter(({ id }) => !keep.has(id as string));
    for (const { id } of gone) this.remove(id as string);
    return gone.length;
  }

  /** Passages without a vector of this space, from a chunk on. */
  pending(space: VectorSpace, after: number, limit: number): PendingChunk[] {
    const rows = this.#sql(
      `SELECT chunks.id AS chunk, documents.id AS document, context, text FROM chunks
       JOIN documents ON documents.number = chunks.document
       WHERE chunks.id > ? AND NOT EXISTS (SELECT 1 FROM vectors WHERE space = ? AND chunk = chunks.id)
       ORDER BY chunks.id LIMIT ?`,
    ).all(after, this.#space(space) ?? -1, limit);
    return rows.map(({ chunk, document, context, text }) => ({
      chunk: chunk as number,
      document: document as string,
      text: `${context as string}\n${text as string}`.trim(),
    }));
  }

  /** Stores vectors of passages; one whose passage was removed meanwhile is dropped. */
  putVectors(space: VectorSpace, vectors: readonly { readonly chunk: number; readonly vector: Float32Array }[]): void {
    let number = this.#space(space);
    if (number === undefined) {
      const { id, step, dimensions } = space;
      const insert = this.#sql("INSERT INTO spaces (id, step, dimensions) VALUES (?, ?, ?)");
      number = Number(insert.run(id, step ?? null, dimensions).lastInsertRowid);
    }
    const insert = this.#sql(
      "INSERT OR REPLACE INTO vectors (space, chunk, vector, crc) SELECT ?, id, ?, ? FROM chunks WHERE id = ?",
    );
    for (const { chunk, vector } of vectors) {
      const { bytes, crc } = encodeVector(vector);
      insert.run(number, bytes, crc, chunk);
    }
  }

  /** Removes the vectors of other steps of the same embedder. */
  dropOtherSteps(space: VectorSpace): void {
    this.#sql("DELETE FROM spaces WHERE id = ? AND number <> ?").run(space.id, this.#space(space) ?? -1);
  }

  /** Passages by words: an FTS5 expression, scored by BM25. */
  lexical(expression: string, limit: number): ScoredChunk[] {
    const rows = this.#sql(
      "SELECT rowid AS chunk, -bm25(words) AS score FROM words WHERE words MATCH ? ORDER BY bm25(words), rowid LIMIT ?",
    ).all(expression, limit);
    return rows.map(({ chunk, score }) => ({ chunk: chunk as number, score: score as number }));
  }

  /** Every vector of a space, one after the other. @throws PipeError `index-damaged` where a checksum is wrong. */
  *vectors(space: VectorSpace): Generator<{ chunk: number; vector: Float32Array }> {
    const number = this.#space(space);
    if (number === undefined) return;
    // A statement of its own: several iterations may run at the same time.
    const rows = this.#database.prepare("SELECT chunk, vector, crc FROM vectors WHERE space = ?").iterate(number);
    for (const row of rows) {
      const chunk = row["chunk"] as number;
      const stored: StoredVector = { bytes: row["vector"] as Uint8Array, crc: row["crc"] as number };
      yield { chunk, vector: decodeVector(stored, space.dimensions, `${this.#path}, passage ${chunk}`) };
    }
  }

  /** One stored passage; nothing where it was removed meanwhile. */
  chunk(chunk: number): StoredChunk | undefined {
    const row = this.#sql(
      `SELECT documents.id AS document, path, place, line, heading, text FROM chunks
       JOIN documents ON documents.number = chunks.document WHERE chunks.id = ?`,
    ).get(chunk);
    if (row === undefined) return undefined;
    const heading = JSON.parse(row["heading"] as string) as string[];
    return { ...(row as Omit<StoredChunk, "chunk" | "heading">), chunk, heading };
  }

  /** Counts what is there. */
  status(): IndexStatus {
    const count = (table: string): number => this.#sql(`SELECT count(*) AS n FROM ${table}`).get()!["n"] as number;
    const spaces = this.#sql("SELECT id, step, dimensions FROM spaces ORDER BY number").all();
    return {
      documents: count("documents"),
      chunks: count("chunks"),
      vectors: count("vectors"),
      spaces: spaces.map(({ id, step, dimensions }) => ({
        id: id as string,
        ...(step === null ? {} : { step: step as number }),
        dimensions: dimensions as number,
      })),
      bytes: ["", "-wal"].reduce((sum, end) => sum + sizeOf(this.#path + end), 0),
    };
  }

  /** Closes the file; a second call does nothing. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    this.#database.close();
  }

  #space({ id, step, dimensions }: VectorSpace): number | undefined {
    const find = this.#sql("SELECT number FROM spaces WHERE id = ? AND ifnull(step, -1) = ? AND dimensions = ?");
    return find.get(id, step ?? -1, dimensions)?.["number"] as number | undefined;
  }

  #sql(text: string): StatementSync {
    if (!this.#open) throw new PipeError("index-closed", "The index was closed.");
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.#database.prepare(text)));
    return statement;
  }
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
