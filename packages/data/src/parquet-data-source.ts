import { type Cursor, type IDataSource, PipeError, type SourceDocument, type SourceInfo } from "@pipe/core";
import { filesFrom } from "./file-cursor.ts";
import { describeFiles } from "./fingerprint.ts";
import { parquetRows } from "./parquet-rows.ts";
import { listFiles, type SourceFile } from "./source-files.ts";

/** What a {@link ParquetDataSource} reads. */
export type ParquetDataSourceOptions = ParquetColumns & {
  /** A file, a folder (its `.parquet` files) or a glob. */
  readonly path: string;
};

/** Which columns of a Parquet file make a document. */
export type ParquetColumns = {
  /** The column that holds the text; default `"text"`. */
  readonly field?: string | undefined;
  /** The column that holds the document's id (text or number); default: path and row number, from 0. */
  readonly idField?: string | undefined;
};

/** Reads Parquet files, a row a document, as a stream: memory holds a thousand rows. Snappy, gzip, brotli and zstd. */
export class ParquetDataSource implements IDataSource {
  readonly #path: string;
  readonly #columns: ParquetColumns;

  constructor({ path, ...columns }: ParquetDataSourceOptions) {
    this.#path = path;
    this.#columns = columns;
  }

  /**
   * Yields one document a row; an empty cell is an empty text.
   * @throws PipeError `source-missing`, `source-empty`, `cursor-invalid`, `parquet-damaged`, `field-missing`.
   */
  async *documents(from?: Cursor): AsyncGenerator<SourceDocument> {
    for (const { file, offset } of filesFrom(await this.#files(), from))
      yield* parquetDocuments(file, this.#columns, offset);
  }

  /** Counts and fingerprints the files. @throws PipeError `source-missing`, `source-empty`. */
  async describe(): Promise<SourceInfo> {
    const { field = "text", idField = null } = this.#columns;
    return describeFiles("parquet", this.#path, await this.#files(), { field, idField });
  }

  #files(): Promise<readonly SourceFile[]> {
    return listFiles(this.#path, [".parquet"]);
  }
}

/** The rows of one file as documents, from a row on. @throws PipeError `parquet-damaged`, `field-missing`. */
export async function* parquetDocuments(
  file: Pick<SourceFile, "path" | "absolute">,
  { field = "text", idField }: ParquetColumns,
  from: number,
): AsyncGenerator<SourceDocument> {
  const columns = idField === undefined ? [field] : [field, idField];
  for await (const { row, record } of parquetRows(file.absolute, columns, from)) {
    const where = `${file.absolute}, row ${row}`;
    const text = textOf(record[field], field, where);
    const id = idField === undefined ? `${file.path}:${row}` : idOf(record[idField], idField, where);
    yield { id, path: file.path, text, cursor: { file: file.path, offset: row + 1, line: row + 2 } };
  }
}

function textOf(value: unknown, field: string, where: string): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value.toWellFormed();
  throw wrong("text", value, field, where);
}

function idOf(value: unknown, field: string, where: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return String(value);
  throw wrong("text or a number", value, field, where);
}

function wrong(expected: string, value: unknown, field: string, where: string): PipeError {
  return new PipeError("field-missing", `A row's column "${field}" holds something else than ${expected}.`, {
    expected,
    got: value === null ? "nothing" : typeof value,
    where,
    fix: "name the right column by the option `field` or `idField`",
  });
}
