import { type Cursor, type IDataSource, messageOf, PipeError, type SourceDocument, type SourceInfo } from "@pipe/core";
import { filesFrom } from "./file-cursor.ts";
import { describeFiles } from "./fingerprint.ts";
import { type Line, readLines } from "./lines.ts";
import { listFiles, type SourceFile } from "./source-files.ts";

/** What a {@link JsonlDataSource} reads. */
export type JsonlDataSourceOptions = {
  /** A file, a folder (its `.jsonl` and `.ndjson` files) or a glob. */
  readonly path: string;
  /** The field that holds the text; default `"text"`. */
  readonly field?: string;
  /** The field that holds the document's id (text or number); default: path and line number. */
  readonly idField?: string;
};

/** Reads files of one JSON object a line as a stream: memory holds one line, blank lines are passed over. */
export class JsonlDataSource implements IDataSource {
  readonly #path: string;
  readonly #field: string;
  readonly #idField: string | undefined;

  constructor(options: JsonlDataSourceOptions) {
    this.#path = options.path;
    this.#field = options.field ?? "text";
    this.#idField = options.idField;
  }

  /**
   * Yields one document a line; a lone surrogate in the JSON becomes U+FFFD, as text in UTF-8 cannot hold it.
   * @throws PipeError `source-missing`, `source-empty`, `invalid-utf8`, `cursor-invalid`, and `line-invalid` (no JSON
   * object) or `field-missing` with file and line.
   */
  async *documents(from?: Cursor): AsyncGenerator<SourceDocument> {
    for (const { file, offset, line: first } of filesFrom(await this.#files(), from)) {
      for await (const line of readLines(file.absolute, offset, first)) {
        if (line.text.trim() !== "") yield this.#document(file, line);
      }
    }
  }

  /** Counts and fingerprints the files. @throws PipeError `source-missing`, `source-empty`. */
  async describe(): Promise<SourceInfo> {
    const options = { field: this.#field, idField: this.#idField ?? null };
    return describeFiles("jsonl", this.#path, await this.#files(), options);
  }

  #files(): Promise<readonly SourceFile[]> {
    return listFiles(this.#path, [".jsonl", ".ndjson"]);
  }

  #document(file: SourceFile, line: Line): SourceDocument {
    const where = `${file.absolute}:${line.number}`;
    const record = parse(line.text, where);
    const text = record[this.#field];
    if (typeof text !== "string") throw missing(record, this.#field, "text", "field", where);
    const id = this.#idField === undefined ? `${file.path}:${line.number}` : record[this.#idField];
    if (typeof id !== "string" && typeof id !== "number")
      throw missing(record, this.#idField!, "an id", "idField", where);
    const cursor = { file: file.path, offset: line.end, line: line.number + 1 };
    return { id: String(id), path: file.path, text: text.toWellFormed(), cursor };
  }
}

function parse(text: string, where: string): { readonly [field: string]: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PipeError("line-invalid", "A line is not valid JSON.", { got: messageOf(cause), where, cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as { [field: string]: unknown };
  throw new PipeError("line-invalid", "A line holds no JSON object.", {
    expected: "an object",
    got: Array.isArray(value) ? "an array" : JSON.stringify(value).slice(0, 80),
    where,
  });
}

function missing(record: object, field: string, what: string, option: string, where: string): PipeError {
  const present = field in record;
  return new PipeError("field-missing", `A line has no field "${field}" with ${what}.`, {
    expected: `"${field}" with ${what}`,
    got: present
      ? `"${field}" of another type`
      : `the fields ${
          Object.keys(record)
            .map((key) => `"${key}"`)
            .join(", ") || "(none)"
        }`,
    where,
    fix: `name the right one by the option \`${option}\``,
  });
}
