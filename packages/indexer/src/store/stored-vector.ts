import { crc32 } from "node:zlib";
import { bytesOf, PipeError } from "@pipe/core";

/** A vector as it lies in the index: little-endian float32 and their CRC-32, since SQLite notices no flipped bit. */
export type StoredVector = { readonly bytes: Uint8Array; readonly crc: number };

/** Packs a vector with its checksum. */
export function encodeVector(vector: Float32Array): StoredVector {
  const bytes = bytesOf(vector);
  return { bytes, crc: crc32(bytes) };
}

/** Unpacks a vector. @throws PipeError `index-damaged` where length or checksum are wrong. */
export function decodeVector({ bytes, crc }: StoredVector, dimensions: number, where: string): Float32Array {
  if (bytes.byteLength === dimensions * 4 && crc32(bytes) === crc) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    return new Float32Array(aligned.buffer, aligned.byteOffset, dimensions);
  }
  throw new PipeError("index-damaged", "A stored vector is not what was written.", {
    expected: `${dimensions * 4} bytes with checksum ${crc}`,
    got: `${bytes.byteLength} bytes with checksum ${crc32(bytes)}`,
    where,
    fix: "repair the index (`pipe index repair`); the passage is embedded again then",
  });
}
