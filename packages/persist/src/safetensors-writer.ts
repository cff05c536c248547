import { byteSizeOf, PipeError } from "@pipe/core";
import { writeHashed, type FileDigest } from "./hashed-file.ts";
import { encodeHeader, type NamedSpec } from "./safetensors-header.ts";

/**
 * Writes a new safetensors file in one pass: the header from the specs, then each tensor's bytes as they come.
 *
 * @param tensors the specs, in the order in which the bytes will come.
 * @param content little-endian bytes of each tensor; only one tensor is in memory at a time.
 * @throws PipeError `input-mismatch` where the content does not follow the specs, `tensor-duplicate`; system errors as they are.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedSpec[],
  content: AsyncIterable<{ readonly name: string; readonly bytes: Uint8Array }>,
  options: { readonly metadata?: { readonly [key: string]: string } } = {},
): Promise<FileDigest> {
  return writeHashed(path, pieces(path, tensors, content, options.metadata));
}

async function* pieces(
  path: string,
  tensors: readonly NamedSpec[],
  content: AsyncIterable<{ readonly name: string; readonly bytes: Uint8Array }>,
  metadata: { readonly [key: string]: string } | undefined,
): AsyncIterable<Uint8Array> {
  yield encodeHeader(tensors, metadata);
  let index = 0;
  for await (const { name, bytes } of content) {
    const due = tensors[index++];
    if (due?.name !== name || byteSizeOf(due.spec) !== bytes.byteLength) {
      throw mismatch(path, due, `${name}, ${bytes.byteLength} bytes`);
    }
    yield bytes;
  }
  if (index !== tensors.length) throw mismatch(path, tensors[index], "the end");
}

function mismatch(where: string, due: NamedSpec | undefined, got: string): PipeError {
  return new PipeError("input-mismatch", "Tensors do not come as their specs said.", {
    expected: due === undefined ? "the end" : `${due.name}, ${byteSizeOf(due.spec)} bytes`,
    got,
    where,
  });
}
