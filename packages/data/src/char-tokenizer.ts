import { createHash } from "node:crypto";
import { type IDataSource, type ITokenizer, PipeError } from "@pipe/core";
import { TokenBytes } from "./token-bytes.ts";

/**
 * Makes the tokenizer whose ids are the given characters (Unicode code points), numbered in code point order. It has no
 * end of text.
 * @throws PipeError `characters-invalid` where an element is not exactly one character.
 */
export function createCharTokenizer(characters: Iterable<string>): ITokenizer {
  const points = [...new Set(Array.from(characters, pointOf))].sort((a, b) => a - b);
  const sorted = points.map((point) => String.fromCodePoint(point));
  const encoder = new TextEncoder();
  const table = new TokenBytes(
    sorted.map((character) => encoder.encode(character)),
    [],
  );
  const ids = new Map(points.map((point, id) => [point, id]));
  const idsOfBasicPlane = new Int32Array(0x1_0000).fill(-1);
  for (const [point, id] of ids) if (point < idsOfBasicPlane.length) idsOfBasicPlane[point] = id;
  const idOf = (point: number): number =>
    point < idsOfBasicPlane.length ? idsOfBasicPlane[point]! : (ids.get(point) ?? -1);

  return {
    id: `char:${createHash("sha256").update(sorted.join("")).digest("hex").slice(0, 12)}`,
    vocabulary: sorted.length,
    byteLengths: table.lengths,
    encode: (text) => encode(text, idOf),
    decode: (ids) => table.decode(ids),
    decoder: () => table.decoder(),
    file: () => `${JSON.stringify({ kind: "char", characters: sorted })}\n`,
  };
}

/** Reads a whole source and returns its characters in code point order, for {@link createCharTokenizer}. */
export async function learnCharacters(source: IDataSource): Promise<readonly string[]> {
  const seen = new Uint8Array(0x11_0000);
  for await (const { text } of source.documents()) {
    for (let at = 0; at < text.length; at++) {
      const point = text.codePointAt(at)!;
      if (point > 0xffff) at++;
      seen[point] = 1;
    }
  }
  const characters: string[] = [];
  for (const [point, present] of seen.entries()) if (present === 1) characters.push(String.fromCodePoint(point));
  return characters;
}

function pointOf(character: string): number {
  const point = character.codePointAt(0);
  if (point !== undefined && character.length === (point > 0xffff ? 2 : 1) && character.isWellFormed()) return point;
  throw new PipeError("characters-invalid", "An element of the characters is not one character.", {
    expected: "one Unicode code point",
    got: JSON.stringify(character),
  });
}

function encode(text: string, idOf: (point: number) => number): Uint32Array {
  const ids = new Uint32Array(text.length);
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at)!;
    const id = idOf(point);
    if (id < 0) throw unknown(point, at);
    if (point > 0xffff) at++;
    ids[count++] = id;
  }
  return count === ids.length ? ids : ids.slice(0, count);
}

function unknown(point: number, offset: number): PipeError {
  return new PipeError("token-unknown", "The vocabulary lacks a character of the text.", {
    expected: "a character that was learnt",
    got: `U+${point.toString(16).toUpperCase().padStart(4, "0")} ${JSON.stringify(String.fromCodePoint(point))}`,
    where: `offset ${offset} of the text`,
    fix: "learn the characters of all texts, or use the byte tokenizer",
  });
}
