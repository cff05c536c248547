import type { IndexedDocument, Json } from "@pipe/core";
import type { IndexDatabase } from "./index-database.ts";
import { textOf, wholeText } from "./stored-text.ts";

/** A stored passage. */
export type StoredChunk = {
  readonly chunk: number;
  /** Id of its document. */
  readonly document: string;
  readonly collection: string;
  readonly path: string;
  readonly title?: string;
  /** Its number within the document. */
  readonly place: number;
  readonly line: number;
  readonly heading: readonly string[];
  readonly text: string;
  /** Equal for equal passages. */
  readonly content: string;
  /** A hash of its document's text. */
  readonly documentContent: string;
};

const columns = `chunks.id AS chunk, documents.id AS document, collection, path, title, place, line, heading, ${wholeText("text")},
  hex(chunks.content) AS content, documents.content AS documentContent
  FROM chunks JOIN documents ON documents.number = chunks.document`;

/** Passages by their numbers, in the order asked for; those that are gone are left out. */
export function readChunks(database: IndexDatabase, chunks: readonly number[]): StoredChunk[] {
  const read = database.sql(`SELECT ${columns} WHERE chunks.id = ?`);
  return chunks.flatMap((chunk) => {
    const row = read.get(chunk);
    return row === undefined ? [] : [chunkOf(row)];
  });
}

/** The passages of a document from one place to another, in order. */
export function readPlaces(
  database: IndexDatabase,
  { collection, document, from, to }: { collection: string; document: string; from: number; to: number },
): StoredChunk[] {
  return database
    .sql(`SELECT ${columns} WHERE collection = ? AND documents.id = ? AND place BETWEEN ? AND ? ORDER BY place`)
    .all(collection, document, from, to)
    .map(chunkOf);
}

/** Numbers of the passages of a document, in order. */
export function chunksOf(database: IndexDatabase, document: number): number[] {
  return database
    .sql("SELECT id FROM chunks WHERE document = ? ORDER BY place")
    .all(document)
    .map(({ id }) => id as number);
}

/** The number of a document by its path or id, in one collection or in any. */
export function documentNumber(database: IndexDatabase, pathOrId: string, collection?: string): number | undefined {
  return database
    .sql(
      `SELECT number FROM documents WHERE (id = ?1 OR path = ?1) AND (?2 IS NULL OR collection = ?2)
       ORDER BY id = ?1 DESC, number LIMIT 1`,
    )
    .get(pathOrId, collection ?? null)?.["number"] as number | undefined;
}

/** A whole document, or nothing. */
export function readDocument(
  database: IndexDatabase,
  pathOrId: string,
  collection?: string,
): IndexedDocument | undefined {
  const number = documentNumber(database, pathOrId, collection);
  if (number === undefined) return undefined;
  const row = database.sql("SELECT id, path, collection, title, metadata FROM documents WHERE number = ?").get(number)!;
  const texts = database.sql(`SELECT ${wholeText("text")} FROM chunks WHERE document = ? ORDER BY place`).all(number);
  return {
    id: row["id"] as string,
    path: row["path"] as string,
    collection: row["collection"] as string,
    ...(row["title"] === null ? {} : { title: row["title"] as string }),
    ...(row["metadata"] === null ? {} : { metadata: JSON.parse(row["metadata"] as string) as Json }),
    text: texts.map(({ text }) => textOf(text)).join(""),
  };
}

function chunkOf(row: { [name: string]: unknown }): StoredChunk {
  const { title, heading, text, ...rest } = row;
  const headings = JSON.parse(heading as string) as string[];
  return {
    ...(rest as Omit<StoredChunk, "heading" | "text" | "title">),
    heading: headings,
    text: textOf(text),
    ...(title === null ? {} : { title: title as string }),
  };
}
