import type { ITokenizer } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { createByteTokenizer } from "./byte-tokenizer.ts";
import { createCharTokenizer } from "./char-tokenizer.ts";
import { createGptTokenizer } from "./gpt-tokenizer.ts";
import { huggingFaceTokenizer } from "./hugging-face-tokenizer.ts";
import { loadTokenizer } from "./load-tokenizer.ts";

const fileOf = (tokenizer: ITokenizer): { [key: string]: never } =>
  JSON.parse(huggingFaceTokenizer(tokenizer, 64)["tokenizer.json"]!) as { [key: string]: never };

describe("the files for transformers", () => {
  it("are read back as the tokenizer that they were made from", async () => {
    // The digits would come first among the keys of an object, whatever their ids.
    const made = [createByteTokenizer(), createCharTokenizer("née 21\n😀"), await createGptTokenizer("r50k_base")];
    for (const tokenizer of made) {
      const read = await loadTokenizer(JSON.stringify(fileOf(tokenizer)));
      expect([read.id, read.vocabulary]).toEqual([tokenizer.id, tokenizer.vocabulary]);
    }
  });

  it("name the end of text where there is one, and the longest text", () => {
    const configOf = (tokenizer: ITokenizer): unknown =>
      JSON.parse(huggingFaceTokenizer(tokenizer, 64)["tokenizer_config.json"]!);
    expect(configOf(createByteTokenizer())).toMatchObject({ eos_token: "<|endoftext|>", model_max_length: 64 });
    expect(configOf(createCharTokenizer("ab"))).toMatchObject({ eos_token: null });
  });

  it("cannot be made of a tokenizer from elsewhere", () => {
    const foreign = { ...createByteTokenizer(), id: "mine", file: () => "{}" };
    expect(() => huggingFaceTokenizer(foreign, 8)).toThrow(/no form that transformers knows[^]*got: mine/);
  });

  it("are not taken for ours where they differ", async () => {
    const [byte, char] = [fileOf(createByteTokenizer()), fileOf(createCharTokenizer("ab"))];
    const model = { type: "WordLevel", unk_token: "<unknown>" };
    const wrong = [
      { ...byte, added_tokens: [] },
      { ...byte, model: { type: "BPE", merges: [], vocab: { a: 0 } } },
      { ...char, model: { ...model, vocab: { a: 1, b: 0 } } },
      { ...char, model: { ...model, vocab: { ab: 0 } } },
      { ...char, pre_tokenizer: null },
    ];
    for (const file of wrong) {
      await expect(loadTokenizer(JSON.stringify(file))).rejects.toMatchObject({ code: "tokenizer-unsupported" });
    }
  });
});
