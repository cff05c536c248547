import { PipeError } from "@pipe/core";

/** How the tokens of a shard file are stored. */
export type ShardLayout = "llm.c" | "headerless-uint16" | "headerless-uint32";

/** Bytes of llm.c's header: 256 int32. */
export const headerBytes = 1024;

/** llm.c's two kinds: GPT-2's, and the one of larger vocabularies. */
const kinds = [
  { magic: 20240520, version: 1, bytesPerToken: 2 },
  { magic: 20240801, version: 7, bytesPerToken: 4 },
] as const;

/** Bytes that a token of this vocabulary takes. */
export function bytesPerTokenOf(vocabulary: number): 2 | 4 {
  return vocabulary <= 2 ** 16 ? 2 : 4;
}

/** llm.c's header for a shard of `tokens` tokens. */
export function shardHeader(bytesPerToken: 2 | 4, tokens: number): Uint8Array {
  const { magic, version } = kinds.find((kind) => kind.bytesPerToken === bytesPerToken)!;
  const header = new DataView(new ArrayBuffer(headerBytes));
  header.setInt32(0, magic, true);
  header.setInt32(4, version, true);
  header.setInt32(8, tokens, true);
  return new Uint8Array(header.buffer);
}

/**
 * Reads llm.c's header and compares it with the size of the file.
 * @throws PipeError `shard-damaged`.
 */
export function parseShardHeader(
  header: Uint8Array,
  fileBytes: number,
  where: string,
): { tokens: number; bytesPerToken: 2 | 4 } {
  if (header.length < headerBytes) throw damaged(`a header of ${headerBytes} bytes`, `${header.length} bytes`, where);
  const view = new DataView(header.buffer, header.byteOffset, headerBytes);
  const [magic, version, tokens] = [view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true)];
  const kind = kinds.find((kind) => kind.magic === magic);
  if (kind === undefined) {
    throw damaged(`magic ${kinds.map((kind) => kind.magic).join(" or ")}`, `magic ${magic}`, where);
  }
  if (version !== kind.version) throw damaged(`version ${kind.version}`, `version ${version}`, where);
  const expected = headerBytes + tokens * kind.bytesPerToken;
  if (tokens < 0 || fileBytes !== expected) {
    throw damaged(`${expected} bytes for ${tokens} tokens`, `${fileBytes} bytes`, where);
  }
  return { tokens, bytesPerToken: kind.bytesPerToken };
}

/** The error of a shard that is not what it should be. */
export function damaged(expected: string, got: string, where: string): PipeError {
  return new PipeError("shard-damaged", "A token shard is not what it should be.", {
    expected,
    got,
    where,
    fix: "build the dataset again, or restore the file",
  });
}
