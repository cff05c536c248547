import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";

/** Size and SHA-256 (hexadecimal) of a file's content. */
export type FileDigest = { readonly size: number; readonly sha256: string };

// Large enough for full disk speed, small enough that hashing one piece holds the event loop for a few milliseconds.
const PIECE = 4 << 20;

/** Writes a new file piece by piece, hashes it on the way and flushes it to the disk before it resolves. */
export async function writeHashed(
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<FileDigest> {
  const hash = createHash("sha256");
  let size = 0;
  const handle = await open(path, "wx");
  try {
    for await (const bytes of content) {
      for (let begin = 0; begin < bytes.byteLength; begin += PIECE) {
        const piece = bytes.subarray(begin, begin + PIECE);
        const writing = writeAll(handle, piece);
        hash.update(piece); // while a thread of the pool writes the same piece
        await writing;
      }
      size += bytes.byteLength;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { size, sha256: hash.digest("hex") };
}

/** Hashes a file piece by piece. */
export async function digestOf(path: string): Promise<FileDigest> {
  const hash = createHash("sha256");
  const buffers = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)] as const;
  const handle = await open(path, "r");
  try {
    let size = 0;
    let reading = handle.read(buffers[0], 0, PIECE, 0);
    for (let turn = 1; ; turn = 1 - turn) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) return { size, sha256: hash.digest("hex") };
      size += bytesRead;
      reading = handle.read(buffers[turn as 0 | 1], 0, PIECE, size);
      hash.update(buffer.subarray(0, bytesRead)); // while the next piece is read
    }
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    done += (await handle.write(bytes, done, bytes.byteLength - done)).bytesWritten;
  }
}
