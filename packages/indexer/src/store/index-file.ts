import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf, PipeError } from "@pipe/core";
import { damaged, sqliteError } from "./sqlite-error.ts";

/** "PIPE" in the database's header: the file is an index of ours. */
const applicationId = 0x50495045;
const version = 2;

// AUTOINCREMENT: the number of a removed passage is never given to another one.
const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('sequence', 0), ('forgotten', 0);
  CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    path TEXT NOT NULL,
    hash TEXT NOT NULL,
    content TEXT NOT NULL,
    title TEXT,
    metadata TEXT,
    date TEXT,
    sequence INTEGER NOT NULL,
    UNIQUE (collection, id)
  );
  CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    place INTEGER NOT NULL,
    line INTEGER NOT NULL,
    heading TEXT NOT NULL,
    context TEXT NOT NULL,
    text TEXT NOT NULL,
    languages TEXT NOT NULL,
    content BLOB NOT NULL
  );
  CREATE INDEX chunks_by_document ON chunks (document, place);
  CREATE INDEX chunks_by_content ON chunks (content);
  CREATE TABLE removed (chunk INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
  CREATE INDEX removed_by_sequence ON removed (sequence);
  CREATE TRIGGER chunk_removed AFTER DELETE ON chunks BEGIN
    INSERT INTO removed SELECT old.id, value FROM meta WHERE name = 'sequence';
  END;
  CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL,
    chunks BLOB NOT NULL,
    lengths BLOB NOT NULL,
    crc INTEGER NOT NULL
  );
  CREATE TABLE postings (
    segment INTEGER NOT NULL,
    term TEXT NOT NULL,
    size INTEGER NOT NULL,
    data BLOB NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (segment, term)
  ) WITHOUT ROWID;
  CREATE TABLE spaces (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    step INTEGER,
    dimensions INTEGER NOT NULL,
    weight REAL
  );
  CREATE UNIQUE INDEX spaces_by_id ON spaces (id, ifnull(step, -1), dimensions);
  CREATE TABLE vectors (
    space INTEGER NOT NULL REFERENCES spaces ON DELETE CASCADE,
    chunk INTEGER NOT NULL REFERENCES chunks ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    vector BLOB NOT NULL,
    crc INTEGER NOT NULL,
    UNIQUE (space, chunk)
  );
  CREATE INDEX vectors_by_sequence ON vectors (space, sequence, chunk);
  CREATE INDEX vectors_by_chunk ON vectors (chunk);
  CREATE TABLE failures (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (collection, id)
  ) WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${version};
`;

/** Makes the tables of an empty database. */
export function writeSchema(database: DatabaseSync): void {
  database.exec(schema);
}

/** Where the SQLite file of an index folder lies. */
export function indexPath(folder: string): string {
  return join(resolve(folder), "index.sqlite");
}

/** Checks that a folder holds the file of an index. @throws PipeError `index-missing`. */
export function checkIndex(folder: string): void {
  if (existsSync(indexPath(folder))) return;
  throw new PipeError("index-missing", "There is no index in this folder.", {
    expected: "an index.sqlite",
    where: resolve(folder),
    fix: "index documents into it first, or correct the path",
  });
}

/**
 * Opens the SQLite file of an index folder, in WAL mode and with full synchronisation, and makes it where it is not there.
 * @throws PipeError `index-missing` (only without `create`), `index-foreign`, `index-newer`, `index-older`, `index-damaged`.
 */
export function openIndexFile(folder: string, create: boolean): DatabaseSync {
  const path = indexPath(folder);
  if (create) mkdirSync(resolve(folder), { recursive: true });
  else checkIndex(folder);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 10_000 });
    prepare(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw sqliteError(error, path);
  }
}

function prepare(database: DatabaseSync, path: string): void {
  const found = (sql: string, name: string): number => database.prepare(sql).get()![name] as number;
  const tables = (): number => found("SELECT count(*) AS n FROM sqlite_master", "n");
  if (tables() === 0) {
    database.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
    // Another process may have been faster.
    if (tables() === 0) writeSchema(database);
    database.exec("COMMIT");
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
  if (made !== version) {
    const newer = made > version;
    throw new PipeError(
      newer ? "index-newer" : "index-older",
      `The index was made by ${newer ? "a newer" : "an older"} version.`,
      {
        expected: `version ${version}`,
        got: `version ${made}`,
        where: path,
        fix: newer ? "update @pipe/indexer, or index again into another folder" : "remove its folder and index again",
      },
    );
  }
  // Pages that several transactions change are copied into the file once: at 32 MB of the log, or at its end.
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8192; PRAGMA foreign_keys = ON; " +
      "PRAGMA cache_size = -16384",
  );
}

/** Whether a file is a sound database, page by page. @returns what is wrong. */
export function pageProblems(database: DatabaseSync, path: string): string[] {
  try {
    return database
      .prepare("PRAGMA integrity_check(20)")
      .all()
      .map(({ integrity_check: line }) => String(line))
      .filter((line) => line !== "ok");
  } catch (error) {
    return [messageOf(sqliteError(error, path) ?? damaged(path, ""))];
  }
}
