import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type Cursor, type IDataSource, messageOf, PipeError, type SourceDocument, type SourceInfo } from "@pipe/core";

/** Which column of which table of which file. */
export type SqliteOptions = { readonly path: string; readonly table: string; readonly column: string };

type Row = { readonly id: number; readonly text: string };

/** The rows of an SQLite table as documents, in the order of their row ids; a cursor is the last id that was read. */
export class SqliteDataSource implements IDataSource {
  readonly #options: SqliteOptions;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  /** @throws PipeError `source-missing`, `source-invalid`. */
  async *documents(from: Cursor = Number.MIN_SAFE_INTEGER): AsyncIterable<SourceDocument> {
    for (const { id, text } of this.#rows(from)) {
      yield { id: String(id), text, cursor: id };
    }
  }

  /** Reads every row for the fingerprint, so that changed text is noticed wherever it is. */
  async describe(): Promise<SourceInfo> {
    const { path, table, column } = this.#options;
    const hash = createHash("sha256");
    let bytes = 0;
    for (const { id, text } of this.#rows(Number.MIN_SAFE_INTEGER)) {
      hash.update(JSON.stringify([id, text]));
      bytes += Buffer.byteLength(text);
    }
    const location = `${path} (${table}.${column})`;
    return { kind: "sqlite", location, files: 1, bytes, fingerprint: hash.digest("hex") };
  }

  /** Each iteration has a connection of its own, which ends with it. */
  *#rows(after: Cursor): Iterable<Row> {
    const { path, table, column } = this.#options;
    if (!existsSync(path)) throw new PipeError("source-missing", "There is no such database.", { where: path });
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const text = quoted(column);
      const query = `SELECT rowid AS id, CAST(${text} AS TEXT) AS text FROM ${quoted(table)}
        WHERE rowid > ? AND ${text} IS NOT NULL ORDER BY rowid`;
      yield* database.prepare(query).iterate(Number(after)) as Iterable<unknown> as Iterable<Row>;
    } catch (cause) {
      throw new PipeError("source-invalid", "A table cannot be read.", {
        expected: `the column ${column} of the table ${table}`,
        got: messageOf(cause),
        where: path,
        cause,
      });
    } finally {
      database.close();
    }
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
