import type { DeviceTensor, IEngine, ITokenizer } from "@pipe/core";
import { Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { TextGenerator } from "@pipe/eval";
import { GPT2Model } from "@pipe/models";
import { initialize } from "@pipe/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const VOCABULARY = 97;
const POSITIONS = 230;
const model = new GPT2Model({ vocabulary: VOCABULARY, positions: POSITIONS, width: 32, heads: 4, layers: 3 });

/** Ids as numbers between spaces. */
const tokenizer: ITokenizer = {
  id: "numbers",
  vocabulary: VOCABULARY,
  byteLengths: new Uint16Array(VOCABULARY).fill(1),
  encode: (text) => Uint32Array.from(text.split(" ").filter(Boolean), Number),
  decode: (ids) => Array.from(ids, (id) => `${id} `).join(""),
  decoder: () => ({ push: (id) => `${id} `, end: () => "" }),
  file: () => "{}",
};

let engine: IEngine;
let params: { readonly [name: string]: DeviceTensor };
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 2 });
  // Larger weights than a model starts with, so that its choices depend on everything before.
  const start = initialize(model.parameters(), new Random(4));
  params = await engine.put(
    Object.fromEntries(
      Object.entries(start).map(([name, { spec, data }]) => [
        name,
        { spec, data: spec.shape.length === 2 ? (data as Float32Array).map((x) => 12 * x) : data },
      ]),
    ),
  );
});
afterAll(() => engine[Symbol.asyncDispose]());

const promptOf = (length: number, salt = 1): string =>
  Array.from({ length }, (_, i) => (i * i * 31 + i * salt * 17 + salt) % VOCABULARY).join(" ");
const generators = (): readonly [TextGenerator, TextGenerator] => [
  new TextGenerator({ engine, model, tokenizer, positions: POSITIONS }),
  new TextGenerator({ engine, model, tokenizer, positions: POSITIONS, cache: false }),
];

describe("generation with a cache", () => {
  it("chooses the tokens of the forward pass without one, 200 of them from each edge of a bucket", async () => {
    const [cached, full] = generators();
    for (const length of [1, 15, 16, 17, 31, 32, 33]) {
      const options = { prompt: promptOf(length), tokens: 200, temperature: 0, overflow: "slide" as const };
      const text = await cached.generate(params, options);
      expect(new Set(text.trim().split(" ")).size).toBeGreaterThan(10);
      expect(text).toBe(await full.generate(params, options));
    }
    await cached[Symbol.asyncDispose]();
    await full[Symbol.asyncDispose]();
  });

  it("goes to the model's last position and no further, or slides", async () => {
    const [cached, full] = generators();
    for (const overflow of ["stop", "slide"] as const) {
      const options = { prompt: promptOf(POSITIONS - 3), tokens: 12, temperature: 0, overflow };
      const text = await cached.generate(params, options);
      expect(text.trim().split(" ")).toHaveLength(overflow === "stop" ? 4 : 12);
      expect(text).toBe(await full.generate(params, options));
    }
    await cached[Symbol.asyncDispose]();
    await full[Symbol.asyncDispose]();
  });

  it("continues prompts of unequal length together as each alone, greedily and by chance", async () => {
    const [cached, full] = generators();
    const prompts = [3, 16, 40, 9].map((length, i) => promptOf(length, i + 2));
    for (const temperature of [0, 0.9]) {
      const options = { tokens: 50, temperature, topK: 20, seed: 3 };
      const together = await cached.batch(params, prompts, options);
      for (const [row, prompt] of prompts.entries()) {
        expect(together[row]).toBe(await full.generate(params, { ...options, prompt, seed: 3 + row }));
      }
    }
    await cached[Symbol.asyncDispose]();
    await full[Symbol.asyncDispose]();
  });

  it("leaves nothing on the engine", async () => {
    const { tensors, executables } = engine.memory();
    const [cached] = generators();
    const stream = cached.stream(params, { prompt: promptOf(5), tokens: 40 });
    await stream.next();
    await stream.return(undefined);
    await cached[Symbol.asyncDispose]();
    expect(engine.memory()).toMatchObject({ tensors, executables });
  });
});
