import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WordScanner } from "./word-scanner.ts";

const pattern = /[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*/gu;

function wordsOf(scanner: WordScanner<string>, text: string): string[] {
  const words: string[] = [];
  scanner.scan(text, (word) => void words.push(word));
  return words;
}

describe("WordScanner", () => {
  it("finds the words that the expression finds", () => {
    const scanner = new WordScanner((word) => word);
    // Marks, letters outside the basic plane, a mark there, halves of pairs.
    const piece = fc.constantFrom(
      "a",
      "b",
      "Z",
      "9",
      "_",
      " ",
      "-",
      "é",
      "e\u0301",
      "\u0301",
      "日",
      "𝒜",
      "\u{1e130}",
      "\ud835",
      "\udc9c",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 50 }),
      fc.array(piece, { maxLength: 30 }).map((all) => all.join("")),
    );
    fc.assert(
      fc.property(text, (text) => {
        expect(wordsOf(scanner, text)).toEqual(text.match(pattern) ?? []);
      }),
      { numRuns: 2_000 },
    );
  });

  it("asks for the value of a word once, until it has seen very many", () => {
    let asked = 0;
    const scanner = new WordScanner((word) => {
      asked++;
      return word;
    });
    const some = Array.from({ length: 60_000 }, (_, n) => `word${n}`);
    expect(wordsOf(scanner, some.join(" "))).toEqual(some);
    expect(wordsOf(scanner, some.join(" "))).toEqual(some);
    expect(asked).toBe(60_000);
    const more = Array.from({ length: 200_000 }, (_, n) => `w${n}`);
    expect(wordsOf(scanner, more.join(" "))).toEqual(more);
    expect(asked).toBe(260_000);
  });

  it("keeps no long words, which are data", () => {
    let asked = 0;
    const scanner = new WordScanner(() => ++asked);
    const long = "x".repeat(65);
    scanner.scan(`${long} ${long} ${"y".repeat(64)} ${"y".repeat(64)}`, () => undefined);
    expect(asked).toBe(3);
  });
});
