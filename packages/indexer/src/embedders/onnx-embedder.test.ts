import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tinyModels } from "../text-model/tiny-models.test.fixture.ts";
import { serveHere } from "../worker-channel.ts";
import { OnnxEmbedder } from "./onnx-embedder.ts";
import { createSentenceHost } from "./sentence-host.ts";
import { tinyModel } from "./tiny-model.test.fixture.ts";

const models = tinyModels(tinyModel);
const modelFolder = models.make;

/** In this thread: what the worker does, seen by the coverage. */
const here = (place: string, maxTokens?: number): Promise<OnnxEmbedder> =>
  OnnxEmbedder.over(serveHere(createSentenceHost()), {
    folder: place,
    ...(maxTokens === undefined ? {} : { maxTokens }),
  });

const unit = (...vector: number[]): number[] => vector.map((x) => x / Math.hypot(...vector));

async function rounded(embedder: OnnxEmbedder, texts: readonly string[]): Promise<number[][]> {
  return (await embedder.embed(texts)).map((vector) => [...vector].map((x) => Math.round(x * 1e5) / 1e5));
}
const near = (vectors: number[][]): number[][] => vectors.map((vector) => vector.map((x) => Math.round(x * 1e5) / 1e5));

describe("OnnxEmbedder", () => {
  it("takes the mean over a text's tokens, whatever it is batched with", async () => {
    const place = await modelFolder("mean");
    const embedder = await OnnxEmbedder.open({ folder: place, threads: 1 });
    expect(embedder.space).toEqual({ id: expect.stringMatching(/^onnx:[0-9a-f]{16}:6$/), dimensions: 3 });
    const expected = near([unit(4, 5, 0), unit(1, 1, 0), unit(4, 5, 5)]);
    expect(await rounded(embedder, ["Red green", "", "red green blue"])).toEqual(expected);
    expect(await embedder.embed([])).toEqual([]);
    await embedder[Symbol.asyncDispose]();
    await expect(embedder.embed(["red"])).rejects.toMatchObject({ code: "index-closed" });
  });

  it("takes the first token where the model was trained so, and keeps the last special token of a long text", async () => {
    const place = await modelFolder("cls", {
      "1_Pooling/config.json": { pooling_mode_cls_token: true },
      "sentence_bert_config.json": { max_seq_length: 4 },
    });
    const first = await here(place);
    expect(await rounded(first, ["blue"])).toEqual([[1, 0, 0]]);
    expect(first.space.id).toMatch(/:4$/);
    const cut = await here(await modelFolder("cut"), 3);
    expect(await rounded(cut, ["blue red red red"])).toEqual(near([unit(1, 1, 5)]));
    expect(await rounded(cut, ["[PAD]"])).toEqual(near([unit(1, 1, 0)]));
    for (const embedder of [first, cut]) await embedder[Symbol.asyncDispose]();
  });

  it("embeds what it was given before it ends", async () => {
    const place = await modelFolder("ends");
    const embedder = await OnnxEmbedder.open({ folder: place, threads: 1 });
    const embedding = embedder.embed(Array.from({ length: 60 }, (_, at) => `text ${at}`));
    await embedder[Symbol.asyncDispose]();
    expect(await embedding).toHaveLength(60);
    await expect(embedder.embed(["text"])).rejects.toMatchObject({ code: "index-closed" });
  });

  it("gives many texts in their order, and stops when asked", async () => {
    const embedder = await here(await modelFolder("many"));
    const texts = Array.from({ length: 150 }, (_, i) => (i % 3 === 0 ? "red" : "blue ".repeat(i % 4)));
    expect(await rounded(embedder, texts)).toEqual(
      near(
        texts.map((text) => (text === "red" ? unit(4, 1, 0) : unit(1, 1, 5 * Math.min(text.split(" ").length - 1, 4)))),
      ),
    );
    await expect(embedder.embed(texts, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    await embedder[Symbol.asyncDispose]();
  });

  it("says what a folder lacks or has wrong", async () => {
    await expect(here(join(models.folder(), "nothing"))).rejects.toMatchObject({
      code: "embedder-missing",
      message: expect.stringContaining("model.onnx"),
    });
    await expect(here(await modelFolder("torn", { "tokenizer.json": "{" }))).rejects.toMatchObject({
      code: "embedder-missing",
      message: expect.stringContaining("tokenizer.json"),
    });
    const untold = await modelFolder("untold", { "tokenizer.json": { model: {} } });
    await expect(here(untold)).rejects.toMatchObject({ code: "embedder-unsupported" });
    const parts = { decoder: null, normalizer: null, pre_tokenizer: null, post_processor: null, added_tokens: [] };
    const wordless = { ...parts, model: { type: "WordLevel", unk_token: "a", vocab: { a: 0 } } };
    await expect(here(await modelFolder("wordless", { "tokenizer.json": wordless }))).rejects.toMatchObject({
      code: "embedder-unsupported",
    });
    const strange = await modelFolder("strange", { "1_Pooling/config.json": { pooling_mode_max_tokens: true } });
    await expect(here(strange)).rejects.toMatchObject({ code: "embedder-unsupported" });
  });
});
