import { existsSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { LexicalWriter } from "../lexical/lexical-writer.ts";
import { forgetChanges } from "./compact.ts";
import { IndexDatabase } from "./index-database.ts";
import { indexPath, openIndexFile, pageProblems, writeSchema } from "./index-file.ts";
import { damagedChunks } from "./verify.ts";
import { damagedVectors } from "./vector-table.ts";
import { wholeText } from "./stored-text.ts";

/** What a repair did. */
export type RepairReport = {
  /** Vectors that were dropped; their passages are embedded again by the next indexing. */
  readonly vectors: number;
  /** Documents of which something was lost; the next indexing reads them again. */
  readonly documents: readonly { readonly collection: string; readonly id: string }[];
  /** Whether the file itself was damaged, and what could be read was put into a new one: all documents are read again. */
  readonly rewritten: boolean;
};

/**
 * Mends an index whose writer's lock is held: what can be read and has the right checksum stays, words are indexed anew. A
 * file that is no sound database is replaced by a new one with what it still gives; the old one is kept as
 * `index.sqlite.damaged`.
 */
export function repairIndex(folder: string): RepairReport {
  const rewritten = isBroken(folder);
  if (rewritten) rewrite(folder);
  const database = new IndexDatabase(folder, true);
  try {
    const lexical = new LexicalWriter(database);
    return database.write(() => {
      const bad = damagedVectors(database);
      for (const { space, chunk } of bad)
        database.sql("DELETE FROM vectors WHERE space = ? AND chunk = ?").run(space, chunk);
      const documents = new Map<string, { collection: string; id: string }>();
      for (const chunk of damagedChunks(database)) {
        const row = database
          .sql(
            "SELECT collection, documents.id AS id FROM documents JOIN chunks ON document = number WHERE chunks.id = ?",
          )
          .get(chunk) as { collection: string; id: string } | undefined;
        if (row !== undefined) documents.set(`${row.collection}/${row.id}`, { ...row });
        database.sql("DELETE FROM chunks WHERE id = ?").run(chunk);
      }
      // An unknown hash: the document counts as changed.
      const forget = database.sql("UPDATE documents SET hash = '' WHERE collection = ? AND id = ?");
      for (const { collection, id } of documents.values()) forget.run(collection, id);
      database.connection.exec("DELETE FROM chunks WHERE document NOT IN (SELECT number FROM documents)");
      database.connection.exec("DELETE FROM vectors WHERE chunk NOT IN (SELECT id FROM chunks)");
      // Who followed the changes before must begin again.
      forgetChanges(database);
      lexical.rebuild();
      return { vectors: bad.length, documents: [...documents.values()], rewritten };
    });
  } finally {
    database.close();
  }
}

function isBroken(folder: string): boolean {
  try {
    const database = openIndexFile(folder, false);
    try {
      return pageProblems(database, indexPath(folder)).length > 0;
    } finally {
      database.close();
    }
  } catch (error) {
    if ((error as { code?: string }).code === "index-damaged") return true;
    throw error;
  }
}

const tables: readonly { readonly name: string; readonly columns: string; readonly key: string }[] = [
  { name: "spaces", columns: "number, id, step, dimensions, weight", key: "rowid" },
  {
    name: "documents",
    columns: "number, collection, id, path, hash, content, title, metadata, date, sequence",
    key: "rowid",
  },
  { name: "chunks", columns: "id, document, place, line, heading, context, text, languages, content", key: "rowid" },
  { name: "vectors", columns: "space, chunk, sequence, vector, crc", key: "rowid" },
  { name: "failures", columns: "collection, id, message", key: "collection, id" },
];

/** Puts a new file with what can be read in the place of a broken one; every document counts as changed then. */
function rewrite(folder: string): void {
  const path = indexPath(folder);
  const next = `${path}.new`;
  for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(next + end, { force: true });
  const fresh = new DatabaseSync(next);
  try {
    writeSchema(fresh);
    fresh.exec("BEGIN");
    for (const table of tables) salvage(path, fresh, table);
    fresh.exec(`
      DELETE FROM chunks WHERE document NOT IN (SELECT number FROM documents);
      DELETE FROM vectors WHERE chunk NOT IN (SELECT id FROM chunks) OR space NOT IN (SELECT number FROM spaces);
      UPDATE documents SET hash = '';
      UPDATE meta SET value = 1000000 + max((SELECT ifnull(max(sequence), 0) FROM vectors),
        (SELECT ifnull(max(sequence), 0) FROM documents)) WHERE name = 'sequence';
      UPDATE sqlite_sequence SET seq = seq + 1000000 WHERE name = 'chunks';
      COMMIT;
    `);
  } finally {
    fresh.close();
  }
  for (const end of ["", "-wal", "-shm"]) {
    rmSync(`${path}.damaged${end}`, { force: true });
    if (existsSync(path + end)) renameSync(path + end, `${path}.damaged${end}`);
  }
  renameSync(next, path);
}

/** Copies the rows of a table from its begin to the first that cannot be read, and from its end. */
function salvage(path: string, fresh: DatabaseSync, { name, columns, key }: (typeof tables)[number]): void {
  const isText = (column: string): column is "context" | "text" => column === "context" || column === "text";
  const values = columns.replaceAll(/\w+/g, (column) => (isText(column) ? "CAST(? AS TEXT)" : "?"));
  const insert = fresh.prepare(`INSERT OR IGNORE INTO ${name} (${columns}) VALUES (${values})`);
  const read = columns.replaceAll(/\w+/g, (column) => (isText(column) ? wholeText(column) : column));
  const backwards = key.replaceAll(/\w+/g, (column) => `${column} DESC`);
  for (const order of [key, backwards]) {
    let source: DatabaseSync | undefined;
    try {
      source = new DatabaseSync(path);
      // Without its indexes, which may be damaged while the table is not.
      for (const row of source.prepare(`SELECT ${read} FROM ${name} NOT INDEXED ORDER BY ${order}`).iterate())
        insert.run(...Object.values(row));
      return;
    } catch {
      // What lies behind is read from the other end.
    } finally {
      source?.close();
    }
  }
}
