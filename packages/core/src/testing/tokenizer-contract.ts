import type { ITokenizer } from "../interfaces/data.ts";
import type { TestFramework } from "./framework.ts";
import { codeOf } from "./rejection.ts";

const texts: readonly string[] = [
  "",
  "To be, or not to be: that is the question.",
  "  two spaces\n\n\ttab, CRLF\r\nand the end \n",
  "naïve façade – 日本語, עברית, हिन्दी, 👩‍👩‍👧 and e\u0301",
  "\uFEFFbyte order mark, \0 null, \u0085 next line",
  "ordinary text: <|endoftext|><|endofprompt|>",
  "a".repeat(3000),
];

/**
 * Registers what every {@link ITokenizer} must do.
 *
 * @param make the tokenizer, the same each time.
 * @param options.texts what it can encode, where that is not every text.
 */
export function tokenizerContract(
  make: () => ITokenizer | Promise<ITokenizer>,
  { describe, it, expect }: TestFramework,
  options: { readonly texts?: readonly string[] } = {},
): void {
  const samples = options.texts ?? texts;
  describe("ITokenizer", () => {
    it("gives each text back, special-token text included", async () => {
      const tokenizer = await make();
      for (const text of samples) expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    });

    it("encodes into ordinary ids of the vocabulary", async () => {
      const tokenizer = await make();
      for (const text of samples) {
        const ids = tokenizer.encode(text);
        expect(ids instanceof Uint32Array).toBe(true);
        expect(ids.every((id) => id < tokenizer.vocabulary && id !== tokenizer.endOfText)).toBe(true);
      }
    });

    it("knows how many UTF-8 bytes each id stands for", async () => {
      const tokenizer = await make();
      expect(tokenizer.byteLengths.length).toBe(tokenizer.vocabulary);
      for (const text of samples) {
        const bytes = tokenizer.encode(text).reduce((sum, id) => sum + tokenizer.byteLengths[id]!, 0);
        expect(bytes).toBe(utf8Length(text));
      }
    });

    it("decodes a stream into the same text, in whole characters", async () => {
      const tokenizer = await make();
      for (const text of samples) {
        const decoder = tokenizer.decoder();
        const parts = Array.from(tokenizer.encode(text), (id) => decoder.push(id));
        const whole = parts.join("") + decoder.end();
        expect(whole).toBe(text);
        expect(parts.some((part) => part.includes("\uFFFD"))).toBe(text.includes("\uFFFD"));
      }
    });

    it("turns end of text into nothing", async () => {
      const tokenizer = await make();
      const { endOfText } = tokenizer;
      if (endOfText === undefined) return;
      const ids = tokenizer.encode(samples.find((text) => text !== "")!);
      expect(tokenizer.byteLengths[endOfText]).toBe(0);
      expect(tokenizer.decode([endOfText, ...ids, endOfText])).toBe(tokenizer.decode(ids));
      const decoder = tokenizer.decoder();
      expect(decoder.push(endOfText) + decoder.end()).toBe("");
    });

    it("refuses ids outside the vocabulary", async () => {
      const tokenizer = await make();
      for (const id of [tokenizer.vocabulary, -1, 0.5]) {
        expect(await codeOf(() => tokenizer.decode([id]))).toBe("token-unknown");
        expect(await codeOf(() => tokenizer.decoder().push(id))).toBe("token-unknown");
      }
    });

    it("writes a tokenizer.json that is JSON and always the same", async () => {
      const file = (await make()).file();
      expect(typeof JSON.parse(file)).toBe("object");
      expect((await make()).file()).toBe(file);
    });
  });
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
