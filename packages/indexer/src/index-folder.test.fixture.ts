import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PipeError, type SourceDocument } from "@pipe/core";
import { afterAll } from "vitest";
import { MarkdownIndexer, type MarkdownIndexerOptions } from "./markdown-indexer.ts";

/** Makes new empty folders that are removed after the tests of the file that asks. */
export function temporaryFolders(): () => Promise<string> {
  const folders: string[] = [];
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), "pipe-indexer-"));
    folders.push(folder);
    return folder;
  };
}

/** Files as a stream of documents. */
export async function* stream(files: { readonly [id: string]: string }): AsyncGenerator<SourceDocument> {
  for (const [id, text] of Object.entries(files)) yield { id, path: id, text, cursor: id };
}

/** Opens an index, does something with it and closes it. */
export async function withIndexer<T>(
  options: MarkdownIndexerOptions,
  body: (indexer: MarkdownIndexer) => Promise<T>,
): Promise<T> {
  const indexer = await MarkdownIndexer.open({ worker: false, ...options });
  try {
    return await body(indexer);
  } finally {
    await indexer[Symbol.asyncDispose]();
  }
}

/** The code of the PipeError that something ends in. */
export async function codeOf(action: () => Promise<unknown>): Promise<string> {
  const error = await action().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return PipeError.is(error) ? error.code : String(error);
}
