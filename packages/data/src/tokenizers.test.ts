import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PipeError } from "@pipe/core";
import { tokenizerContract } from "@pipe/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytePairMerger } from "./byte-pair-merge.ts";
import { createByteTokenizer } from "./byte-tokenizer.ts";
import { createCharTokenizer, learnCharacters } from "./char-tokenizer.ts";
import { folderOf } from "./folder-of.test.fixture.ts";
import { gptEncodings, type GptEncoding } from "./gpt-encodings.ts";
import { createGptTokenizer } from "./gpt-tokenizer.ts";
import { loadTokenizer } from "./load-tokenizer.ts";
import { TextDataSource } from "./text-data-source.ts";

const names = Object.keys(gptEncodings) as GptEncoding[];

describe("byte", () => {
  tokenizerContract(createByteTokenizer, { describe, it, expect });

  it("has the UTF-8 bytes as ids", () => {
    const tokenizer = createByteTokenizer();
    expect([...tokenizer.encode("aé")]).toEqual([97, 0xc3, 0xa9]);
    expect(tokenizer).toMatchObject({ id: "byte", vocabulary: 257, endOfText: 256 });
    expect(tokenizer.decode([0xc3])).toBe("\uFFFD");
  });
});

describe("char", () => {
  const characters = "hello wörld 👩\n日";
  tokenizerContract(
    () => createCharTokenizer(characters),
    { describe, it, expect },
    { texts: ["", "hello", "👩 wörld\n日"] },
  );

  it("numbers characters in code point order and has no end of text", () => {
    const tokenizer = createCharTokenizer("ba👩\uFF5Ea");
    expect([...tokenizer.encode("ab\uFF5E👩")]).toEqual([0, 1, 2, 3]);
    expect(tokenizer.endOfText).toBeUndefined();
    expect(tokenizer.file()).toBe('{"kind":"char","characters":["a","b","\uFF5E","👩"]}\n');
  });

  it.each([
    ["hex", "U+0078", 2],
    ["he🙂", "U+1F642", 2],
    ["h\ud800", "U+D800", 1],
  ])("names the unknown character of %j", (text, name, offset) => {
    const encode = (): unknown => createCharTokenizer("he").encode(text);
    expect(encode).toThrow(name);
    expect(encode).toThrow(`offset ${offset} of the text`);
  });

  it.each([["ab"], [""], ["\ud800"]])("refuses %j as a character", (element) => {
    expect(() => createCharTokenizer([element])).toThrow("not one character");
  });

  it("learns the characters of a source", async () => {
    const path = await folderOf({ "a.txt": "b👩a", "b.txt": "aé" });
    expect(await learnCharacters(new TextDataSource({ path }))).toEqual(["a", "b", "é", "👩"]);
  });
});

describe.each(names)("gpt %s", (name) => {
  // One for all where a new one takes seconds.
  const shared = createGptTokenizer(name);
  tokenizerContract(() => (name === "r50k_base" ? createGptTokenizer(name) : shared), { describe, it, expect });

  it("has the tokens of the rank file that gpt-tokenizer keeps beside it", async () => {
    const ranks = fileURLToPath(import.meta.resolve(`gpt-tokenizer/bpeRanks/${name}`));
    const file = await readFile(ranks.replace(/(esm|cjs)\/bpeRanks.*/, `data/${name}.tiktoken`), "utf8");
    const tokenizer = await shared;
    for (const line of file.trim().split("\n")) {
      const [bytes, rank] = line.split(" ") as [string, string];
      const expected = Buffer.from(bytes, "base64");
      if (tokenizer.byteLengths[Number(rank)] !== expected.length) throw new Error(`token ${rank}`);
      if (tokenizer.decode([Number(rank)]) !== new TextDecoder("utf-8", { ignoreBOM: true }).decode(expected)) {
        throw new Error(`text of token ${rank}`);
      }
    }
    expect(file.trim().split("\n").length).toBe(gptEncodings[name].ordinary);
  });

  it("is found again from its tokenizer.json, as text and as a file", async () => {
    const text = (await shared).file();
    expect((await loadTokenizer(text)).id).toBe(`gpt:${name}`);
    const folder = await folderOf({ "tokenizer.json": text });
    expect((await loadTokenizer(`${folder}/tokenizer.json`)).id).toBe(`gpt:${name}`);
  });
});

describe("gpt", () => {
  // From tiktoken 0.14 and Python's tokenizers 0.23, which agree; JavaScript's own \s would cut some of these elsewhere.
  it.each([
    [
      "Hello, world! It's 2026.",
      {
        r50k_base: [15496, 11, 995, 0, 632, 338, 1160, 2075, 13],
        p50k_base: [15496, 11, 995, 0, 632, 338, 1160, 2075, 13],
        cl100k_base: [9906, 11, 1917, 0, 1102, 596, 220, 2366, 21, 13],
        o200k_base: [13225, 11, 2375, 0, 7744, 220, 1323, 21, 13],
      },
    ],
    [
      "a\ufeff b\u0085 c \u00a0 d  \n e",
      {
        r50k_base: [64, 171, 119, 123, 275, 126, 227, 269, 5624, 288, 220, 220, 198, 304],
        p50k_base: [64, 171, 119, 123, 275, 126, 227, 269, 5624, 288, 50257, 198, 304],
        cl100k_base: [64, 3305, 293, 126, 227, 272, 17529, 294, 2355, 384],
        o200k_base: [64, 5574, 287, 126, 227, 274, 35753, 272, 4066, 319],
      },
    ],
    [
      "<|endoftext|>",
      {
        r50k_base: [27, 91, 437, 1659, 5239, 91, 29],
        p50k_base: [27, 91, 437, 1659, 5239, 91, 29],
        cl100k_base: [27, 91, 8862, 728, 428, 91, 29],
        o200k_base: [27, 91, 419, 1440, 919, 91, 29],
      },
    ],
    [
      "    def f():\n\t\treturn  1 \n\n",
      {
        r50k_base: [220, 220, 220, 825, 277, 33529, 198, 197, 197, 7783, 220, 352, 220, 628],
        p50k_base: [50258, 825, 277, 33529, 198, 197, 197, 7783, 220, 352, 220, 628],
        cl100k_base: [262, 711, 282, 4019, 197, 862, 220, 220, 16, 4815],
        o200k_base: [271, 1056, 285, 8595, 197, 1393, 220, 220, 16, 1202],
      },
    ],
  ] as [string, { [name: string]: number[] }][])("gives tiktoken's ids of %j", async (text, expected) => {
    for (const [name, ids] of Object.entries(expected)) {
      expect([...(await createGptTokenizer(name as GptEncoding)).encode(text)]).toEqual(ids);
    }
  });

  it("cuts a long text into pieces without changing the ids", async () => {
    const tokenizer = await createGptTokenizer("cl100k_base");
    const paragraph = "It isn't the  cut, \n\n that matters 12345 \t x.\n";
    const once = [...tokenizer.encode(paragraph)];
    const repeated = tokenizer.encode(paragraph.repeat(5000));
    expect(repeated.length).toBe(once.length * 5000);
    expect([...repeated.slice(-once.length)]).toEqual(once);
    const unbroken = "\n".repeat(200_000);
    expect(tokenizer.decode(tokenizer.encode(unbroken))).toBe(unbroken);
  });

  it("gives any well-formed text back", async () => {
    const tokenizer = await createGptTokenizer("r50k_base");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it("refuses ids in the holes of a vocabulary, and unknown encodings", async () => {
    const tokenizer = await createGptTokenizer("cl100k_base");
    expect(() => tokenizer.decode([100256])).toThrow("not in the vocabulary");
    await expect(createGptTokenizer("gpt5" as GptEncoding)).rejects.toThrow("no such GPT encoding");
  });
});

describe("bytePairMerger", () => {
  it("merges as the plain quadratic algorithm does", () => {
    const ranks = new Map("ab,bc,cd,abc,aa,aaaa,aab,bb,cda,d,a,b,c".split(",").map((token, rank) => [token, rank]));
    const plain = (word: string, limit: number): string[] => {
      const parts = Array.from(word);
      for (;;) {
        const pairs = parts.slice(1).map((part, at) => ranks.get(parts[at]! + part) ?? Infinity);
        const best = Math.min(Infinity, ...pairs);
        if (best >= limit) return parts;
        parts.splice(pairs.indexOf(best), 2, parts[pairs.indexOf(best)]! + parts[pairs.indexOf(best) + 1]!);
      }
    };
    const merge = bytePairMerger(ranks);
    const words = fc.string({ unit: fc.constantFrom("a", "b", "c", "d"), maxLength: 40 });
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 13 }), (word, limit) => {
        expect(merge(word, limit)).toEqual(plain(word, limit));
      }),
      { numRuns: 500 },
    );
    expect(merge("abcabcaa")).toEqual(["abc", "abc", "aa"]);
  });
});

describe("loadTokenizer", () => {
  it("makes byte and char tokenizers again", async () => {
    expect((await loadTokenizer(createByteTokenizer().file())).id).toBe("byte");
    const char = createCharTokenizer("xyz");
    expect(await loadTokenizer(char.file())).toMatchObject({ id: char.id, vocabulary: 3 });
  });

  it.each([
    ['{"model":{"type":"WordPiece","vocab":{"a":0}}}', "tokenizer-unsupported", "WordPiece with a vocabulary of 1"],
    ['{"model":{"type":"BPE","vocab":{"a":0}}}', "tokenizer-unsupported", "BPE with a vocabulary of 1"],
    ['{"kind":"syllables"}', "tokenizer-unsupported", "syllables"],
    ["{}", "tokenizer-unsupported", "no model type"],
    ["{ no", "tokenizer-damaged", "not valid JSON"],
    ['{"kind":"char","characters":[1]}', "tokenizer-damaged", "of other types"],
    ['{"kind":"char","characters":"ab"}', "tokenizer-damaged", "of other types"],
    ['{"model":{"type":"BPE","vocab":5}}', "tokenizer-damaged", "of other types"],
    ['{"model":[]}', "tokenizer-damaged", "of other types"],
    ['{"model":{"type":"BPE","vocab":{"a":0}},"added_tokens":5}', "tokenizer-damaged", "of other types"],
    ['{"model":{"type":"BPE","vocab":{"a":0}},"added_tokens":[5]}', "tokenizer-damaged", "of other types"],
    ['{"model":{"type":"BPE","vocab":null,"merges":null},"added_tokens":null}', "tokenizer-unsupported", "BPE"],
    ['{"model":null}', "tokenizer-unsupported", "no model type"],
    ["/nowhere/tokenizer.json", "tokenizer-missing", "/nowhere/tokenizer.json"],
  ])("refuses %s", async (source, code, part) => {
    const error = await loadTokenizer(source).catch((thrown: unknown) => thrown);
    expect(PipeError.is(error, code)).toBe(true);
    expect(String(error)).toContain(part);
  });

  it("refuses a GPT vocabulary with another token or other special tokens", async () => {
    const file = JSON.parse((await createGptTokenizer("r50k_base")).file()) as {
      model: { vocab: { [token: string]: number } };
      added_tokens: { id: number; content: string }[];
    };
    const added = { ...file, added_tokens: [...file.added_tokens, { id: 50257, content: "<|pad|>" }] };
    await expect(loadTokenizer(JSON.stringify(added))).rejects.toThrow("none of the tokenizers");
    const { the, cat } = file.model.vocab;
    const swapped = { ...file, model: { ...file.model, vocab: { ...file.model.vocab, the: cat!, cat: the! } } };
    await expect(loadTokenizer(JSON.stringify(swapped))).rejects.toThrow("none of the tokenizers");
  });
});
