import { type ITokenizer, PipeError } from "@pipe/core";
import { bytePairMerger } from "./byte-pair-merge.ts";
import { gptEncodings, type GptEncoding, wordPattern } from "./gpt-encodings.ts";
import { huggingFaceFile } from "./hugging-face-file.ts";
import { pieces } from "./text-pieces.ts";
import { TokenBytes } from "./token-bytes.ts";

/** Words whose merges are remembered; the memory is emptied when it is full. */
const cacheSize = 50_000;

/** The tokenizer of a GPT encoding: its name is enough to make it again in another thread. */
export type GptTokenizer = ITokenizer & { readonly encoding: GptEncoding };

/**
 * Makes the tokenizer of a GPT encoding: ids are those of tiktoken, ranks come from the package gpt-tokenizer and are
 * imported on demand. Text such as `<|endoftext|>` is ordinary text. A lone surrogate becomes U+FFFD.
 * @throws PipeError `encoding-unknown`.
 */
export async function createGptTokenizer(encoding: GptEncoding = "r50k_base"): Promise<GptTokenizer> {
  const rules = gptEncodings[encoding];
  if (rules === undefined) {
    throw new PipeError("encoding-unknown", "There is no such GPT encoding.", {
      expected: Object.keys(gptEncodings).join(", "),
      got: encoding,
    });
  }
  const tokens = (await rules.ranks()).default;
  const specials = Object.values(rules.specials);
  const vocabulary = Math.max(tokens.length, ...specials.map((id) => id + 1));
  const bytes: (Uint8Array | undefined)[] = Array.from({ length: vocabulary });
  // Whole words by their text, and every token by its bytes: an ASCII word is its own byte string.
  const words = new Map<string, number>();
  const ranks = new Map<string, number>();
  // forEach passes over the holes of the table.
  tokens.forEach((token, id) => {
    const encoded = typeof token === "string" ? Buffer.from(token) : Buffer.from(token);
    bytes[id] = encoded;
    ranks.set(encoded.toString("latin1"), id);
    if (typeof token === "string") words.set(token, id);
  });
  const table = new TokenBytes(bytes, specials);
  const encode = wordEncoder(wordPattern(rules.pattern), words, ranks);
  let file: string | undefined;
  return {
    id: `gpt:${encoding}`,
    encoding,
    vocabulary,
    endOfText: rules.specials["<|endoftext|>"]!,
    byteLengths: table.lengths,
    encode,
    decode: (ids) => table.decode(ids),
    decoder: () => table.decoder(),
    file: () => (file ??= huggingFaceFile(rules, ranks)),
  };
}

function wordEncoder(
  pattern: RegExp,
  words: ReadonlyMap<string, number>,
  ranks: ReadonlyMap<string, number>,
): (text: string) => Uint32Array {
  const merge = bytePairMerger(ranks);
  const cache = new Map<string, readonly number[]>();
  const merged = (word: string): readonly number[] => {
    let ids = cache.get(word);
    if (ids === undefined) {
      ids = merge(Buffer.from(word).toString("latin1")).map((part) => ranks.get(part)!);
      if (cache.size >= cacheSize) cache.clear();
      if (word.length < 256) cache.set(word, ids);
    }
    return ids;
  };
  return (text) => {
    let ids = new Uint32Array(Math.max(16, text.length >>> 1));
    let count = 0;
    const reserve = (extra: number): void => {
      if (count + extra <= ids.length) return;
      const larger = new Uint32Array(Math.max(count + extra, ids.length * 2));
      larger.set(ids);
      ids = larger;
    };
    for (const piece of pieces(text)) {
      for (const word of piece.match(pattern) ?? []) {
        const id = words.get(word);
        if (id === undefined) {
          const parts = merged(word);
          reserve(parts.length);
          for (const part of parts) ids[count++] = part;
        } else {
          reserve(1);
          ids[count++] = id;
        }
      }
    }
    return ids.slice(0, count);
  };
}
