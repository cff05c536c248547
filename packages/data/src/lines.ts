import { createReadStream } from "node:fs";
import { byteOrderMark, decodeUtf8 } from "./utf8.ts";

/** One line of a file. */
export type Line = {
  /** With its line end. */
  readonly text: string;
  /** 1-based. */
  readonly number: number;
  /** Byte offset behind the line. */
  readonly end: number;
};

const newline = 0x0a;

/**
 * Reads a UTF-8 file line by line from a byte offset on, which is where line `first` begins; memory holds one line.
 * @throws PipeError `invalid-utf8`.
 */
export async function* readLines(absolute: string, offset = 0, first = 1): AsyncGenerator<Line> {
  let number = first;
  let end = offset;
  let parts: Uint8Array[] = [];
  const take = (tail: Uint8Array): Line => {
    let bytes = parts.length === 0 ? tail : Buffer.concat([...parts, tail]);
    parts = [];
    const begin = end;
    end += bytes.length;
    if (begin === 0) bytes = bytes.subarray(byteOrderMark(bytes));
    return { text: decodeUtf8(bytes, absolute, end - bytes.length), number: number++, end };
  };
  for await (const chunk of createReadStream(absolute, { start: offset, highWaterMark: 1 << 18 })) {
    const bytes = chunk as Buffer;
    let begin = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, begin)) {
      yield take(bytes.subarray(begin, at + 1));
      begin = at + 1;
    }
    if (begin < bytes.length) parts.push(bytes.subarray(begin));
  }
  if (parts.length > 0) yield take(new Uint8Array(0));
}
