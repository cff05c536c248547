import { messageOf, PipeError } from "@pipe/core";

const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** What SQLite threw, as an error for people; anything else as it is. */
export function sqliteError(error: unknown, path: string): unknown {
  const { code, errcode } = (error ?? {}) as { code?: string; errcode?: number };
  if (code !== "ERR_SQLITE_ERROR" || errcode === undefined) return error;
  const details = { got: messageOf(error), where: path, cause: error };
  switch (errcode & 0xff) {
    case CORRUPT:
    case NOTADB:
      return damaged(path, messageOf(error), error);
    case FULL:
    case IOERR:
    case READONLY:
      return new PipeError(
        "index-not-written",
        "The disk did not take what was to be stored; what was before is kept.",
        {
          ...details,
          fix: "free disk space, or make the folder writable, then index again",
        },
      );
    case CANTOPEN:
      return vanished(path, error);
    case BUSY:
      return new PipeError("index-locked", "Another program holds the index's file.", {
        ...details,
        fix: "wait until it is done",
      });
    default:
      return error;
  }
}

/** The error of an index whose file is not what was written. */
export function damaged(path: string, got: string, cause?: unknown): PipeError {
  return new PipeError("index-damaged", "The index is damaged.", {
    expected: "an SQLite database of @pipe/indexer as it was written",
    got,
    where: path,
    fix: "repair it (`pipe index repair`, IndexManager.repair), or remove its folder and index again",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The error of an index whose file was taken away while it was open. */
export function vanished(path: string, cause?: unknown): PipeError {
  return new PipeError("index-vanished", "The file of the index is gone.", {
    where: path,
    fix: "put it back, or open a new index",
    ...(cause === undefined ? {} : { cause }),
  });
}
