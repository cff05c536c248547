import { type Cursor, type IDataSource, PipeError, type SourceDocument, type SourceInfo } from "@pipe/core";
import { filesFrom } from "./file-cursor.ts";
import { describeFiles } from "./fingerprint.ts";
import { readLines } from "./lines.ts";
import { listFiles, type SourceFile } from "./source-files.ts";
import { wholeFiles } from "./whole-file.ts";

/** What a {@link TextDataSource} reads. */
export type TextDataSourceOptions = {
  /** A file, a folder (its `.txt` and `.text` files) or a glob. */
  readonly path: string;
  /**
   * A line that stands between two documents, such as `<|endoftext|>`; without it each file is one document. White space
   * at its end counts for nothing, so that `"\n"` is an empty line.
   */
  readonly separator?: string;
};

/** Reads plain text files; a leading byte order mark is not part of the text. */
export class TextDataSource implements IDataSource {
  readonly #path: string;
  readonly #separator: string | undefined;

  /** @throws PipeError `separator-invalid` for one of several lines, which no line is equal to. */
  constructor({ path, separator }: TextDataSourceOptions) {
    this.#path = path;
    this.#separator = separator?.trimEnd();
    if (this.#separator?.includes("\n") !== true) return;
    throw new PipeError("separator-invalid", "A separator of documents is one line.", {
      expected: "text without a line break inside",
      got: JSON.stringify(separator),
    });
  }

  /**
   * Yields the documents in the order of their paths; with a separator they stream, so that files may be of any size.
   * @throws PipeError `source-missing`, `source-empty`, `invalid-utf8`, `cursor-invalid`, `document-too-large`.
   */
  async *documents(from?: Cursor): AsyncGenerator<SourceDocument> {
    const separator = this.#separator;
    const files = await this.#files();
    if (separator === undefined) yield* wholeFiles(files, from, "split it, or name a `separator` line");
    else for (const start of filesFrom(files, from)) yield* separated(start, separator);
  }

  /** Counts and fingerprints the files. @throws PipeError `source-missing`, `source-empty`. */
  async describe(): Promise<SourceInfo> {
    return describeFiles("text", this.#path, await this.#files(), { separator: this.#separator ?? null });
  }

  #files(): Promise<readonly SourceFile[]> {
    return listFiles(this.#path, [".txt", ".text"]);
  }
}

async function* separated(
  { file, offset, line }: { file: SourceFile; offset: number; line: number },
  separator: string,
): AsyncGenerator<SourceDocument> {
  let parts: string[] = [];
  let begin = line;
  let end = offset;
  const document = (next: number): SourceDocument => ({
    id: `${file.path}:${begin}`,
    path: file.path,
    text: parts.join(""),
    cursor: { file: file.path, offset: end, line: next },
  });
  let next = line;
  for await (const current of readLines(file.absolute, offset, line)) {
    end = current.end;
    next = current.number + 1;
    if (current.text.trimEnd() !== separator) {
      parts.push(current.text);
      continue;
    }
    yield document(next);
    parts = [];
    begin = next;
  }
  if (parts.length > 0) yield document(next);
}
