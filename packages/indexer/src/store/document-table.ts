import type { ProcessedDocument } from "../document-processor.ts";
import type { IndexDatabase } from "./index-database.ts";
import type { LexicalWriter } from "../lexical/lexical-writer.ts";

type ChunkKey = { readonly id: number; readonly key: string };

/**
 * Stores a document in place of its older version. Passages that are as before keep their number, and with it their words
 * and vectors; new ones that stand elsewhere in the index take the vectors from there.
 *
 * @returns the numbers of its passages in their order, and how many of them are new.
 */
export function putDocument(
  database: IndexDatabase,
  lexical: LexicalWriter,
  collection: string,
  document: ProcessedDocument,
): { ids: number[]; fresh: number } {
  const { id, path, content, title = null, metadata, chunks } = document;
  const { n: number } = database
    .sql(
      `INSERT INTO documents (collection, id, path, hash, content, title, metadata, date, sequence)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (collection, id) DO UPDATE SET path = excluded.path, hash = excluded.hash, content = excluded.content,
         title = excluded.title, metadata = excluded.metadata, date = excluded.date, sequence = excluded.sequence
       RETURNING number AS n`,
    )
    .get(
      collection,
      id,
      path,
      document.hash,
      content,
      title,
      metadata === undefined ? null : JSON.stringify(metadata),
      dateOf(metadata),
      database.sequence,
    ) as { n: number };
  const old = chunkKeys(database, number);
  const insert = database.sql(
    `INSERT INTO chunks (document, place, line, heading, context, text, languages, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const move = database.sql("UPDATE chunks SET place = ?, line = ?, heading = ? WHERE id = ?");
  const ids: number[] = [];
  let fresh = 0;
  for (const [place, { line, heading, context, text, content }] of chunks.entries()) {
    const kept = old.get(content)?.shift();
    const headings = JSON.stringify(heading);
    if (kept !== undefined) {
      move.run(place, line, headings, kept);
      ids.push(kept);
      continue;
    }
    fresh++;
    const key = Buffer.from(content, "hex");
    const isElsewhere = database.sql("SELECT 1 FROM chunks WHERE content = ? LIMIT 1").get(key) !== undefined;
    const values = [number, place, line, headings, context, text, languagesOf(context, text), key];
    const chunk = Number(insert.run(...values).lastInsertRowid);
    ids.push(chunk);
    lexical.add(chunk, context, text);
    if (isElsewhere) takeVectors(database, chunk, key);
  }
  for (const gone of old.values()) for (const chunk of gone) database.sql("DELETE FROM chunks WHERE id = ?").run(chunk);
  database.sql("DELETE FROM failures WHERE collection = ? AND id = ?").run(collection, id);
  return { ids, fresh };
}

/** Removes a document with its passages and vectors; returns whether it was there. */
export function removeDocument(database: IndexDatabase, collection: string, id: string): boolean {
  database.sql("DELETE FROM failures WHERE collection = ? AND id = ?").run(collection, id);
  return database.sql("DELETE FROM documents WHERE collection = ? AND id = ?").run(collection, id).changes > 0;
}

/** The ids of a collection's documents, and of those whose indexing failed. */
export function knownIds(database: IndexDatabase, collection: string): string[] {
  return database
    .sql("SELECT id FROM documents WHERE collection = ?1 UNION SELECT id FROM failures WHERE collection = ?1")
    .all(collection)
    .map(({ id }) => id as string);
}

function chunkKeys(database: IndexDatabase, document: number): Map<string, number[]> {
  const keys = new Map<string, number[]>();
  const rows = database
    .sql("SELECT id, hex(content) AS key FROM chunks WHERE document = ? ORDER BY place")
    .all(document);
  for (const { id, key } of rows as unknown as ChunkKey[]) {
    const known = keys.get(key.toLowerCase());
    if (known === undefined) keys.set(key.toLowerCase(), [id]);
    else known.push(id);
  }
  return keys;
}

/** A file that was renamed has its passages still under its old name. */
function takeVectors(database: IndexDatabase, chunk: number, content: Uint8Array): void {
  database
    .sql(
      `INSERT OR IGNORE INTO vectors (space, chunk, sequence, vector, crc)
       SELECT vectors.space, ?, ?, vector, crc FROM chunks JOIN vectors ON vectors.chunk = chunks.id
       WHERE chunks.content = ? AND chunks.id <> ?`,
    )
    .run(chunk, database.sequence, content, chunk);
}

/** Languages of the code in a passage; that of a block which begins in an earlier one stands below its headings. */
function languagesOf(context: string, text: string): string {
  const found = new Set<string>();
  const [, above] = /^[^\n]*\n([\w+#.-]+)$/.exec(context) ?? [];
  if (above !== undefined) found.add(above.toLowerCase());
  const fences =
    text.includes("```") || text.includes("~~~") ? text.matchAll(/^[ \t>]*(?:`{3,}|~{3,})[ \t]*([\w+#.-]+)/gm) : [];
  for (const [, language] of fences) found.add(language!.toLowerCase());
  return found.size === 0 ? "" : ` ${[...found].join(" ")} `;
}

const dateFields = ["date", "updated", "lastmod", "last_updated"];

function dateOf(metadata: ProcessedDocument["metadata"]): string | null {
  if (metadata === undefined || metadata === null || typeof metadata !== "object" || Array.isArray(metadata))
    return null;
  for (const field of dateFields) {
    const value = (metadata as { readonly [name: string]: unknown })[field];
    const iso =
      typeof value === "string" ? /^\d{4}-\d{2}-\d{2}(?:[T ][\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?/.exec(value) : null;
    if (iso !== null) return iso[0];
  }
  return null;
}
