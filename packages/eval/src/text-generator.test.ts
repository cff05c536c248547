import type { DeviceTensor, IEngine, IModel } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bigramModel, byteTokenizer, countingModel, END, tableOf } from "./bigram-model.test.fixture.ts";
import { TextGenerator } from "./text-generator.ts";

let engine: IEngine;
let flat: { readonly table: DeviceTensor };
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  flat = await tableOf(engine);
});
afterAll(() => engine[Symbol.asyncDispose]());

const generatorOf = (model: IModel, positions: number, tokenizer = byteTokenizer()) =>
  new TextGenerator({ engine, model, tokenizer, positions });

/** A table that leads from each byte of a text to the next with certainty, and from the last to the first or the end. */
const loopOf = (text: string, then?: number) => {
  const bytes = [...new TextEncoder().encode(text)];
  return tableOf(
    engine,
    bytes.map((byte, i) => [byte, bytes[i + 1] ?? then ?? bytes[0]!, 1e4]),
  );
};

describe("TextGenerator", () => {
  it("continues the text, across contexts of 16, 32 and the model's positions", async () => {
    const generator = generatorOf(bigramModel, 40);
    const params = await loopOf("abcd");
    const text = await generator.generate(params, { prompt: "a", tokens: 50, overflow: "slide" });
    expect(text).toBe("bcda".repeat(13).slice(0, 50));
    expect(engine.memory().executables).toBe(3);
    await generator[Symbol.asyncDispose]();
    expect(engine.memory().executables).toBe(0);
  });

  it("reads the whole context, and stops at the last position or forgets the older half", async () => {
    const generator = generatorOf(countingModel, 40);
    const prompt = "x".repeat(33);
    const count = async (overflow: "stop" | "slide") => {
      const text = await generator.generate(flat, { prompt, tokens: 10, temperature: 0, overflow });
      return Array.from(new TextEncoder().encode(text));
    };
    expect(await count("stop")).toEqual([33, 34, 35, 36, 37, 38, 39, 40]);
    expect(await count("slide")).toEqual([33, 34, 35, 36, 37, 38, 39, 40, 20, 21]);
    const long = { prompt: prompt + prompt, tokens: 1, temperature: 0 };
    expect(await generator.generate(flat, { ...long, overflow: "slide" })).toBe("(");
    await expect(generator.generate(flat, long)).rejects.toMatchObject({ code: "prompt-too-long" });
    await generator[Symbol.asyncDispose]();
    const tiny = generatorOf(countingModel, 3);
    const short = await tiny.generate(flat, { prompt: "x", tokens: 4, temperature: 0, overflow: "slide" });
    expect(short).toBe("\u0001\u0002\u0003\u0002");
    await tiny[Symbol.asyncDispose]();
  });

  it("never chooses an id that the tokenizer has no token for", async () => {
    const bytes = byteTokenizer();
    const generator = generatorOf(bigramModel, 16, {
      ...byteTokenizer({ endOfText: false }),
      vocabulary: 100,
      decoder: () => {
        const { push, end } = bytes.decoder();
        return { push: (id) => (id < 100 ? push(id) : expect.unreachable(`id ${id} has no token`)), end };
      },
    });
    const texts = await generator.batch(flat, ["a", "b"], { tokens: 24, overflow: "slide" });
    for (const text of texts) expect(text).toMatch(/^[^]{24}$/);
    await generator[Symbol.asyncDispose]();
  });

  it("writes the same text from the same seed, and another from another", async () => {
    const generator = generatorOf(bigramModel, 16);
    const write = (seed?: number) =>
      generator.generate(flat, { prompt: "a", tokens: 12, ...(seed === undefined ? {} : { seed }) });
    expect(await write(0)).toBe(await write());
    expect(await write(1)).toBe(await write(1));
    expect(await write(1)).not.toBe(await write(2));
    await generator[Symbol.asyncDispose]();
  });

  it("ends at the end of text, which may also begin it", async () => {
    const generator = generatorOf(bigramModel, 16);
    const params = await loopOf("The end.", END);
    expect(await generator.generate(params, { prompt: "n", tokens: 50 })).toBe("d.");
    const fromNothing = await tableOf(engine, [
      [END, 104, 1e4],
      [104, 105, 1e4],
      [105, END, 1e4],
    ]);
    expect(await generator.generate(fromNothing, { prompt: "", tokens: 50 })).toBe("hi");
    await generator[Symbol.asyncDispose]();
  });

  it("streams whole characters; the pieces are the text", async () => {
    const generator = generatorOf(bigramModel, 16);
    // Two bytes for "é", three for "→", one for "z".
    const params = await loopOf("zé→");
    for (const tokens of [0, 1, 2, 3, 6, 8]) {
      const options = { prompt: "z", tokens };
      const pieces: string[] = [];
      for await (const piece of generator.stream(params, options)) pieces.push(piece);
      expect(pieces.join("")).toBe(await generator.generate(params, options));
      expect(pieces).not.toContain("");
      expect(pieces.join("")).toBe(["", "\ufffd", "é", "é\ufffd", "é→z", "é→zé"][[0, 1, 2, 3, 6, 8].indexOf(tokens)]);
    }
    await generator[Symbol.asyncDispose]();
  });

  it("stops before the next token when it is aborted", async () => {
    const generator = generatorOf(bigramModel, 16);
    const params = await loopOf("ab");
    const abort = new AbortController();
    const pieces: string[] = [];
    const read = async (): Promise<void> => {
      for await (const piece of generator.stream(params, { prompt: "a", tokens: 9, signal: abort.signal })) {
        pieces.push(piece);
        if (pieces.length === 3) abort.abort(new Error("enough"));
      }
    };
    await expect(read()).rejects.toThrow("enough");
    expect(pieces).toEqual(["b", "a", "b"]);
    await generator[Symbol.asyncDispose]();
  });

  it("leaves nothing on the engine but the parameters", async () => {
    const before = engine.memory();
    const generator = generatorOf(bigramModel, 16);
    await generator.generate(flat, { prompt: "a", tokens: 5 });
    await generator[Symbol.asyncDispose]();
    expect(engine.memory()).toMatchObject({ tensors: before.tensors, executables: before.executables });
  });

  it("refuses an empty prompt where nothing begins a text, and settings out of range", async () => {
    const generator = generatorOf(bigramModel, 16, byteTokenizer({ endOfText: false }));
    const empty = generator.generate(flat, { prompt: "", tokens: 1 });
    await expect(empty).rejects.toMatchObject({ code: "prompt-empty" });
    const hot = generator.generate(flat, { prompt: "a", tokens: 1, temperature: -1 });
    await expect(hot).rejects.toMatchObject({ code: "sampling-invalid" });
    expect(engine.memory().executables).toBe(0);
  });

  it("says why a model cannot be compiled, and can be disposed afterwards", async () => {
    const broken: IModel = {
      ...bigramModel,
      forward: () => {
        throw new Error("This model has no forward pass.");
      },
    };
    const generator = generatorOf(broken, 16);
    await expect(generator.generate(flat, { prompt: "a", tokens: 1 })).rejects.toThrow("no forward pass");
    await generator[Symbol.asyncDispose]();
  });

  it("continues several texts at once, each as it would be alone", async () => {
    const generator = generatorOf(bigramModel, 24);
    const prompts = ["a", "xyz", "hello, "];
    for (const overflow of ["stop", "slide"] as const) {
      const options = { tokens: 30, seed: 5, overflow };
      const texts = await generator.batch(flat, prompts, options);
      for (const [row, prompt] of prompts.entries()) {
        const alone = await generator.generate(flat, { ...options, prompt, seed: 5 + row });
        // Rows of a batch forget at the same token as alone: a table's logits depend on the last token only.
        expect(texts[row]).toBe(alone);
      }
    }
    await generator[Symbol.asyncDispose]();
  });

  it("ends before a stop string, of which no piece is shown", async () => {
    const generator = generatorOf(bigramModel, 64);
    const params = await loopOf("abcdef");
    const write = async (stop: readonly string[], tokens: number): Promise<readonly string[]> => {
      const pieces: string[] = [];
      const options = { prompt: "a", tokens, temperature: 0, stop };
      for await (const piece of generator.stream(params, options)) pieces.push(piece);
      return pieces;
    };
    expect(await write(["ef"], 20)).toEqual(["b", "c", "d"]);
    expect(await write(["fx", "d", ""], 20)).toEqual(["b", "c"]);
    // What could have begun a stop string is shown as soon as it does not, and at the end.
    expect(await write(["bcx"], 3)).toEqual(["bcd"]);
    expect(await write(["cdx"], 3)).toEqual(["b", "cd"]);
    await generator[Symbol.asyncDispose]();
  });
});
