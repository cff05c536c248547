import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { PipeError } from "@pipe/core";
import {
  asyncBufferFromFile,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from "hyparquet";

/** What Node decompresses besides Snappy, which hyparquet brings. */
const compressors: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
};

/** Rows that are decoded at a time: the memory that one step takes. */
const rowsAtATime = 1000;

/**
 * The rows of a Parquet file from one on, as records of some of its columns; reads one piece of a row group at a time.
 * @throws PipeError `parquet-damaged`, `field-missing`.
 */
export async function* parquetRows(
  path: string,
  columns: readonly string[],
  from: number,
): AsyncGenerator<{ readonly row: number; readonly record: { readonly [column: string]: unknown } }> {
  const file = await asyncBufferFromFile(path);
  const metadata = await readable(path, () => parquetMetadataAsync(file));
  checkColumns(metadata, columns, path);
  let row = 0;
  for (const group of metadata.row_groups) {
    const end = row + Number(group.num_rows);
    for (let begin = Math.max(row, from); begin < end; begin += rowsAtATime) {
      const range = { rowStart: begin, rowEnd: Math.min(begin + rowsAtATime, end) };
      const options = { file, metadata, columns: [...columns], compressors, ...range };
      const records = await readable(path, () => parquetReadObjects(options));
      for (const [i, record] of records.entries()) yield { row: begin + i, record };
    }
    row = end;
  }
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new PipeError("parquet-damaged", "A Parquet file cannot be read.", {
      got: (cause as Error).message,
      where: path,
      fix: "download or write it again",
      cause,
    });
  }
}

function checkColumns({ schema }: FileMetaData, columns: readonly string[], path: string): void {
  // The first element is the table; its children follow each other, with their own children in between.
  const names: string[] = [];
  for (let i = 1; i < schema.length; i = skip(schema, i)) names.push(schema[i]!.name);
  const missing = columns.find((column) => !names.includes(column));
  if (missing === undefined) return;
  throw new PipeError("field-missing", `A Parquet file has no column "${missing}".`, {
    expected: `"${missing}"`,
    got: `the columns ${names.map((name) => `"${name}"`).join(", ")}`,
    where: path,
    fix: "name the right one by the option `field` or `idField`",
  });
}

/** The place behind an element of the schema and all that is below it. */
function skip(schema: FileMetaData["schema"], place: number): number {
  let next = place + 1;
  for (let child = schema[place]!.num_children ?? 0; child > 0; child--) next = skip(schema, next);
  return next;
}
