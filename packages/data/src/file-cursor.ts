import { type Cursor, PipeError } from "@pipe/core";
import type { SourceFile } from "./source-files.ts";

/** Where to go on: behind byte `offset` of a file, whose next line is number `line`. */
type FileCursor = { readonly file: string; readonly offset: number; readonly line: number };

/**
 * The files from a cursor on, each with the place to begin at; a file that sorts before the cursor's is done.
 * @throws PipeError `cursor-invalid` for a value that no file source made.
 */
export function* filesFrom(
  files: readonly SourceFile[],
  from: Cursor | undefined,
): Generator<{ file: SourceFile; offset: number; line: number }> {
  const cursor = from === undefined ? undefined : checked(from);
  for (const file of files) {
    if (cursor !== undefined && file.path < cursor.file) continue;
    if (cursor?.file === file.path) yield { file, offset: cursor.offset, line: cursor.line };
    else yield { file, offset: 0, line: 1 };
  }
}

function checked(from: Cursor): FileCursor {
  const { file, offset, line } = (from ?? {}) as { [key: string]: unknown };
  if (typeof file === "string" && Number.isSafeInteger(offset) && Number.isSafeInteger(line)) {
    return { file, offset: offset as number, line: line as number };
  }
  throw new PipeError("cursor-invalid", "This is not a position in a source of files.", {
    expected: '{ "file": string, "offset": bytes, "line": number }',
    got: JSON.stringify(from),
    fix: "pass the cursor of a document of this source",
  });
}
