import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf, PipeError } from "@pipe/core";

/** "PIPE" in the database's header: the file is an index of ours. */
const applicationId = 0x50495045;
const version = 1;

const schema = `
  CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    hash TEXT NOT NULL,
    title TEXT,
    metadata TEXT
  );
  CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    place INTEGER NOT NULL,
    begin INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    line INTEGER NOT NULL,
    heading TEXT NOT NULL,
    context TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (document, place)
  );
  CREATE VIRTUAL TABLE words USING fts5(context, text, content='chunks', content_rowid='id', tokenize='porter unicode61');
  CREATE TRIGGER chunks_added AFTER INSERT ON chunks BEGIN
    INSERT INTO words (rowid, context, text) VALUES (new.id, new.context, new.text);
  END;
  CREATE TRIGGER chunks_removed AFTER DELETE ON chunks BEGIN
    INSERT INTO words (words, rowid, context, text) VALUES ('delete', old.id, old.context, old.text);
  END;
  CREATE TABLE spaces (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    step INTEGER,
    dimensions INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX spaces_by_id ON spaces (id, ifnull(step, -1), dimensions);
  CREATE TABLE vectors (
    space INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    chunk INTEGER NOT NULL REFERENCES chunks ON DELETE CASCADE,
    vector BLOB NOT NULL,
    crc INTEGER NOT NULL,
    UNIQUE (space, chunk)
  );
  CREATE INDEX vectors_by_chunk ON vectors (chunk);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${version};
`;

/**
 * Opens the SQLite file of an index folder, in WAL mode and with full synchronisation, and makes it where it is not there.
 * @throws PipeError `index-missing` (only without `create`), `index-foreign`, `index-newer`, `index-damaged`.
 */
export function openIndexFile(folder: string, create: boolean): { database: DatabaseSync; path: string } {
  const path = join(resolve(folder), "index.sqlite");
  if (!existsSync(path)) {
    if (!create) {
      throw new PipeError("index-missing", "There is no index in this folder.", {
        expected: "an index.sqlite",
        where: resolve(folder),
        fix: "index documents into it first, or correct the path",
      });
    }
    mkdirSync(resolve(folder), { recursive: true });
  }
  const database = new DatabaseSync(path, { timeout: 10_000 });
  try {
    prepare(database, path);
    return { database, path };
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepare(database: DatabaseSync, path: string): void {
  const found = (sql: string, name: string): number => database.prepare(sql).get()![name] as number;
  const tables = (): number => found("SELECT count(*) AS n FROM sqlite_master", "n");
  try {
    if (tables() === 0) {
      database.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
      // Another process may have been faster.
      if (tables() === 0) database.exec(schema);
      database.exec("COMMIT");
    }
  } catch (cause) {
    throw new PipeError("index-damaged", "The index cannot be opened.", {
      expected: "an SQLite database of @pipe/indexer",
      got: messageOf(cause),
      where: path,
      fix: "restore the file, or remove its folder and index again",
      cause,
    });
  }
  const id = found("PRAGMA application_id", "application_id");
  if (id !== applicationId) {
    throw new PipeError("index-foreign", "The file is a database of something else.", {
      expected: `application id ${applicationId}`,
      got: String(id),
      where: path,
      fix: "choose another folder",
    });
  }
  const made = found("PRAGMA user_version", "user_version");
  if (made > version) {
    throw new PipeError("index-newer", "The index was made by a newer version.", {
      expected: `version ${version}`,
      got: `version ${made}`,
      where: path,
      fix: "update @pipe/indexer, or index again into another folder",
    });
  }
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
}
