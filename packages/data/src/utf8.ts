import { isUtf8 } from "node:buffer";
import { PipeError } from "@pipe/core";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decodes bytes that must be UTF-8; `offset` is where they begin in their file.
 * @throws PipeError `invalid-utf8` with file and byte offset.
 */
export function decodeUtf8(bytes: Uint8Array, file: string, offset = 0): string {
  if (isUtf8(bytes)) return decoder.decode(bytes);
  const at = firstInvalid(bytes);
  throw new PipeError("invalid-utf8", "A file is not valid UTF-8.", {
    expected: "UTF-8 text",
    got: `byte 0x${bytes[at]!.toString(16).padStart(2, "0")}`,
    where: `${file}, byte ${offset + at}`,
    fix: "convert the file to UTF-8, or leave it out",
  });
}

/** Length of the byte order mark that some editors put in front of a file. */
export function byteOrderMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** The first byte that begins no valid character. */
function firstInvalid(bytes: Uint8Array): number {
  let at = 0;
  for (;;) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length > 1 && !isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
}
