import type { Cursor, IDataSource, SourceDocument, SourceInfo } from "@pipe/core";
import { describeFiles } from "./fingerprint.ts";
import { listFiles, type SourceFile } from "./source-files.ts";
import { wholeFiles } from "./whole-file.ts";

/** What a {@link MarkdownDataSource} reads. */
export type MarkdownDataSourceOptions = {
  /** A file, a folder (its `.md`, `.markdown` and `.mdx` files) or a glob. */
  readonly path: string;
  /** Takes what a file throws that cannot be read, which is left out then; without it, that ends the stream. */
  readonly onUnreadable?: (path: string, error: unknown) => void;
};

/**
 * Reads markdown files, each as one document with its path; a leading byte order mark is not part of the text. Folders
 * that are links are not followed.
 */
export class MarkdownDataSource implements IDataSource {
  readonly #path: string;
  readonly #onUnreadable: MarkdownDataSourceOptions["onUnreadable"];

  constructor(options: MarkdownDataSourceOptions) {
    this.#path = options.path;
    this.#onUnreadable = options.onUnreadable;
  }

  /**
   * Yields the files in the order of their paths.
   * @throws PipeError `source-missing`, `source-empty`, `invalid-utf8`, `cursor-invalid`, `document-too-large`.
   */
  async *documents(from?: Cursor): AsyncGenerator<SourceDocument> {
    yield* wholeFiles(await this.#files(), from, "split it into several files", this.#onUnreadable);
  }

  /** Counts and fingerprints the files. @throws PipeError `source-missing`, `source-empty`. */
  async describe(): Promise<SourceInfo> {
    return describeFiles("markdown", this.#path, await this.#files(), null);
  }

  #files(): Promise<readonly SourceFile[]> {
    return listFiles(this.#path, [".md", ".markdown", ".mdx"], false);
  }
}
