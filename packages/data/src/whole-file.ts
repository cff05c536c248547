import { constants } from "node:buffer";
import { readFile } from "node:fs/promises";
import { type Cursor, PipeError, type SourceDocument } from "@pipe/core";
import { filesFrom } from "./file-cursor.ts";
import type { SourceFile } from "./source-files.ts";
import { byteOrderMark, decodeUtf8 } from "./utf8.ts";

/**
 * Each file as one document; its id is its relative path.
 * @param onUnreadable takes what a file throws, which is left out then; without it, that ends the stream.
 * @throws PipeError `invalid-utf8`, `document-too-large` where a file exceeds what one string holds.
 */
export async function* wholeFiles(
  files: readonly SourceFile[],
  from: Cursor | undefined,
  fix: string,
  onUnreadable?: (path: string, error: unknown) => void,
): AsyncGenerator<SourceDocument> {
  for (const { file, offset } of filesFrom(files, from)) {
    if (offset > 0) continue;
    let document: SourceDocument;
    try {
      document = await readWhole(file, fix);
    } catch (error) {
      if (onUnreadable === undefined) throw error;
      onUnreadable(file.path, error);
      continue;
    }
    yield document;
  }
}

async function readWhole(file: SourceFile, fix: string): Promise<SourceDocument> {
  if (file.bytes > constants.MAX_STRING_LENGTH) {
    throw new PipeError("document-too-large", "A file is too large to be one document.", {
      expected: `${constants.MAX_STRING_LENGTH} bytes at most`,
      got: `${file.bytes} bytes`,
      where: file.absolute,
      fix,
    });
  }
  const bytes = await readFile(file.absolute);
  const mark = byteOrderMark(bytes);
  const text = decodeUtf8(bytes.subarray(mark), file.absolute, mark);
  // An empty file counts as done too: its cursor lies behind it, at 1 instead of 0.
  const cursor = { file: file.path, offset: Math.max(1, bytes.length), line: 1 };
  return { id: file.path, path: file.path, text, metadata: { bytes: bytes.length }, cursor };
}
