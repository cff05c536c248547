import type { ITokenizer } from "@pipe/core";
import { TokenBytes } from "./token-bytes.ts";

const endOfText = 256;

/** Makes the tokenizer whose ids are the UTF-8 bytes; 256 is end of text, so the vocabulary is 257. */
export function createByteTokenizer(): ITokenizer {
  const table = new TokenBytes(
    [...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)), undefined],
    [endOfText],
  );
  const encoder = new TextEncoder();
  return {
    id: "byte",
    vocabulary: 257,
    endOfText,
    byteLengths: table.lengths,
    encode: (text) => Uint32Array.from(encoder.encode(text)),
    decode: (ids) => table.decode(ids),
    decoder: () => table.decoder(),
    file: () => '{ "kind": "byte" }\n',
  };
}
