import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PipeError } from "@pipe/core";
import { sqliteError } from "./sqlite-error.ts";

/** Who writes, as the next one is told. */
type Holder = { readonly process: number; readonly purpose: string };

/**
 * The right to write an index, held by one at a time. The operating system takes it back when its holder ends in any way:
 * it is SQLite's lock on a file of its own.
 */
export class WriterLock {
  readonly #database: DatabaseSync;

  /**
   * @param purpose what the holder does, for others: `indexing`.
   * @throws PipeError `index-busy` with the holder, `index-vanished` where the folder is gone.
   */
  constructor(folder: string, purpose: string) {
    const path = join(folder, "writer.lock");
    const note = join(folder, "writer.json");
    this.#database = openLock(path);
    try {
      this.#database.exec("BEGIN EXCLUSIVE");
    } catch (cause) {
      this.#database.close();
      const error = sqliteError(cause, path);
      if (!PipeError.is(error, "index-locked")) throw error;
      throw new PipeError("index-busy", "Another writer is at work on this index.", {
        got: holderOf(note),
        where: folder,
        fix: "wait until it is done, or end it; searching works meanwhile",
        cause,
      });
    }
    try {
      writeFileSync(note, `${JSON.stringify({ process: process.pid, purpose } satisfies Holder)}\n`);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Gives the right back. */
  release(): void {
    this.#database.close();
  }
}

function openLock(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (cause) {
    throw sqliteError(cause, path);
  }
}

function holderOf(note: string): string {
  try {
    const { process: id, purpose } = JSON.parse(readFileSync(note, "utf8")) as Holder;
    return `process ${id}, ${purpose}`;
  } catch {
    return "an unknown process";
  }
}
