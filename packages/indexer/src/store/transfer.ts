import { type Json, PipeError, type VectorSpace } from "@pipe/core";
import { contentOf } from "../document-processor.ts";
import { LexicalWriter } from "../lexical/lexical-writer.ts";
import { putDocument } from "./document-table.ts";
import type { IndexDatabase } from "./index-database.ts";
import { decodeVector } from "./stored-vector.ts";
import { listSpaces, putVectors } from "./vector-table.ts";
import { allFinite } from "../vectors/check-vector.ts";
import { textOf, wholeText } from "./stored-text.ts";

const format = "pipe-index";
const version = 1;

type HeadLine = { readonly format: string; readonly version: number };
type ChunkLine = {
  readonly line: number;
  readonly heading: readonly string[];
  readonly context: string;
  readonly text: string;
  /** Little-endian float32 in base64. */
  readonly vectors: readonly { readonly space: VectorSpace; readonly data: string }[];
};
type DocumentLine = {
  readonly collection: string;
  readonly id: string;
  readonly path: string;
  readonly hash: string;
  readonly content: string;
  readonly title?: string;
  readonly metadata?: Json;
  readonly chunks: readonly ChunkLine[];
};

/** Lines of JSON for the documents behind one, the head first; `next` is absent behind the last. */
export function exportLines(
  database: IndexDatabase,
  after: number,
  limit: number,
): { readonly lines: readonly string[]; readonly next?: number } {
  const spaces = new Map(listSpaces(database).map(({ number, vectors: _, ...space }) => [number, space]));
  const documents = database.sql("SELECT * FROM documents WHERE number > ? ORDER BY number LIMIT ?").all(after, limit);
  const lines = documents.map((row) => {
    const { collection, id, path, hash, content, title, metadata } = row as unknown as DocumentLine & {
      metadata: string;
    };
    const chunks = database.sql(
      `SELECT id, line, heading, ${wholeText("context")}, ${wholeText("text")} FROM chunks WHERE document = ? ORDER BY place`,
    );
    return JSON.stringify({
      collection,
      id,
      path,
      hash,
      content,
      ...(title === null ? {} : { title }),
      ...(metadata === null ? {} : { metadata: JSON.parse(metadata) as Json }),
      chunks: chunks.all(row["number"]!).map((chunk) => ({
        line: chunk["line"] as number,
        heading: JSON.parse(chunk["heading"] as string) as string[],
        context: textOf(chunk["context"]),
        text: textOf(chunk["text"]),
        vectors: vectorLines(database, spaces, chunk["id"] as number),
      })),
    } satisfies DocumentLine);
  });
  const head = after === 0 ? [JSON.stringify({ format, version } satisfies HeadLine)] : [];
  const next = documents.length < limit ? {} : { next: documents.at(-1)!["number"] as number };
  return { lines: [...head, ...lines], ...next };
}

/**
 * Stores lines of {@link exportLines}, each document in place of its older version.
 * @param first the number of the first line, from 1 on.
 * @throws PipeError `import-invalid` with the number of the line.
 */
export function importLines(database: IndexDatabase, lines: readonly string[], first: number): number {
  let stored = 0;
  const lexical = new LexicalWriter(database);
  if (first === 1) checkHead(lines[0]);
  database.write(() => {
    for (const [at, line] of lines.entries()) {
      const number = first + at;
      if (number === 1 || line.trim() === "") continue;
      importDocument(database, lexical, documentOf(line, number), number);
      stored++;
    }
    lexical.flush();
  });
  return stored;
}

function vectorLines(
  database: IndexDatabase,
  spaces: ReadonlyMap<number, VectorSpace>,
  chunk: number,
): { space: VectorSpace; data: string }[] {
  return database
    .sql("SELECT space, vector, crc FROM vectors WHERE chunk = ? ORDER BY space")
    .all(chunk)
    .map((row) => {
      const space = spaces.get(row["space"] as number)!;
      const bytes = row["vector"] as Uint8Array;
      decodeVector({ bytes, crc: row["crc"] as number }, space.dimensions, `${database.path}, passage ${chunk}`);
      return { space, data: Buffer.from(bytes).toString("base64") };
    });
}

function importDocument(database: IndexDatabase, lexical: LexicalWriter, line: DocumentLine, number: number): void {
  const { collection, chunks, ...document } = line;
  const rows = chunks.map((chunk) => {
    const { context, text } = chunk;
    return { ...chunk, begin: 0, end: text.length, content: contentOf(context, text) };
  });
  const { ids } = putDocument(database, lexical, collection, { ...document, chunks: rows });
  for (const [place, { vectors }] of chunks.entries()) {
    for (const { space, data } of vectors) {
      const bytes = Uint8Array.from(Buffer.from(data, "base64"));
      if (bytes.length !== space.dimensions * 4) throw invalid(number, `a vector of ${bytes.length} bytes`);
      const vector = new Float32Array(bytes.buffer);
      // One that is none is the nearest to every query.
      if (!allFinite(vector)) throw invalid(number, "a vector of which not all numbers are finite");
      putVectors(database, space, [{ chunk: ids[place]!, vector }]);
    }
  }
}

type Unknown = { readonly [field: string]: unknown };
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isRecord =
  (fields: { readonly [field: string]: Check }): Check =>
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.entries(fields).every(([field, check]) => check((value as Unknown)[field]));

const isDocument = {
  collection: isText,
  id: isText,
  path: isText,
  hash: isText,
  content: isText,
  title: optional(isText),
  metadata: optional(isRecord({})),
  chunks: listOf(
    isRecord({
      line: isCount,
      heading: listOf(isText),
      context: isText,
      text: isText,
      vectors: listOf(
        isRecord({
          space: isRecord({ id: isText, step: optional(Number.isSafeInteger), dimensions: isCount }),
          data: isText,
        }),
      ),
    }),
  ),
} satisfies { readonly [field in keyof DocumentLine]: Check };

/** The document of a line; hands and other programs write lines, too. */
function documentOf(line: string, number: number): DocumentLine {
  const value = parsed(line, number);
  if (!isRecord({})(value)) throw invalid(number, line.slice(0, 80));
  const wrong = Object.entries(isDocument).find(([field, check]) => !check((value as Unknown)[field]));
  if (wrong === undefined) return value as DocumentLine;
  const [field] = wrong;
  throw invalid(number, `${field}: ${(JSON.stringify((value as Unknown)[field]) ?? "nothing").slice(0, 80)}`);
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw invalid(number, line.slice(0, 80), cause);
  }
}

function checkHead(line: string | undefined): void {
  if (line === undefined) throw invalid(1, "nothing");
  const head = parsed(line, 1) as HeadLine | null;
  if (head?.format !== format || head.version !== version) throw invalid(1, line.slice(0, 80));
}

function invalid(line: number, got: string, cause?: unknown): PipeError {
  return new PipeError("import-invalid", "This is no export of an index.", {
    expected: line === 1 ? `{"format":"${format}","version":${version}}` : "a document as `export` writes it",
    got,
    where: `line ${line}`,
    fix: "export the index again",
    ...(cause === undefined ? {} : { cause }),
  });
}
