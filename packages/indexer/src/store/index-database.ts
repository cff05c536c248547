import { statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { PipeError } from "@pipe/core";
import { indexPath, openIndexFile } from "./index-file.ts";
import { sqliteError, vanished } from "./sqlite-error.ts";

/** One connection to the file of an index, with its prepared statements. */
export class IndexDatabase {
  readonly folder: string;
  readonly path: string;
  #database: DatabaseSync | undefined;
  #inode = 0;
  readonly #statements = new Map<string, StatementSync>();
  /** Number of the change being made; every row that a transaction adds carries it. */
  sequence = 0;
  /** Grows when the file was replaced: what was read before means nothing then. */
  generation = 0;

  /** @throws PipeError `index-missing`, `index-foreign`, `index-newer`, `index-older`, `index-damaged`. */
  constructor(folder: string, create: boolean) {
    this.folder = folder;
    this.path = indexPath(folder);
    this.#open(create);
  }

  /** The bare connection. @throws PipeError `index-closed`. */
  get connection(): DatabaseSync {
    if (this.#database === undefined) throw new PipeError("index-closed", "The index was closed.");
    return this.#database;
  }

  /** A statement, prepared once. */
  sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.connection.prepare(text)));
    return statement;
  }

  /**
   * Reads within one state of the file.
   * @throws PipeError `index-damaged`, `index-vanished`, `index-closed`.
   */
  read<T>(body: () => T): T {
    this.#follow();
    return this.#guarded("BEGIN", body);
  }

  /**
   * Runs writes as one, all of them or none, under the next sequence number.
   * @throws PipeError `index-not-written`, `index-locked`, `index-damaged`, `index-vanished`, `index-closed`.
   */
  write<T>(body: () => T): T {
    this.#follow();
    return this.#guarded("BEGIN IMMEDIATE", () => {
      this.sequence = this.number("UPDATE meta SET value = value + 1 WHERE name = 'sequence' RETURNING value AS n");
      const result = body();
      // What goes into a file that is gone would be acknowledged and lost.
      if (inodeOf(this.path) !== this.#inode) throw vanished(this.path);
      return result;
    });
  }

  /** The column `n` of a single row. */
  number(sql: string, ...values: (string | number | null)[]): number {
    return (this.sql(sql).get(...values)?.["n"] as number | null | undefined) ?? 0;
  }

  /** Rewrites the file without its free pages. @throws PipeError `index-not-written`. */
  vacuum(): void {
    try {
      this.connection.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (error) {
      throw sqliteError(error, this.path);
    }
  }

  /** Closes the file; a second call does nothing. */
  close(): void {
    this.#statements.clear();
    this.#database?.close();
    this.#database = undefined;
  }

  #open(create: boolean): void {
    this.#database = openIndexFile(this.folder, create);
    this.#inode = inodeOf(this.path);
  }

  /** A repair puts a new file in the old one's place. */
  #follow(): void {
    if (this.#database === undefined) return;
    const inode = inodeOf(this.path);
    if (inode === this.#inode) return;
    if (inode === 0) throw vanished(this.path);
    this.close();
    this.generation++;
    this.#open(false);
  }

  #guarded<T>(begin: string, body: () => T): T {
    try {
      this.sql(begin).run();
      try {
        const result = body();
        this.sql("COMMIT").run();
        return result;
      } catch (error) {
        if (this.#database?.isTransaction === true) this.sql("ROLLBACK").run();
        throw error;
      }
    } catch (error) {
      throw sqliteError(error, this.path);
    }
  }
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}
