import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tinyModel } from "../embedders/tiny-model.test.fixture.ts";
import { tinyModels } from "../text-model/tiny-models.test.fixture.ts";
import { serveHere } from "../worker-channel.ts";
import { createCrossEncoderHost } from "./cross-encoder-host.ts";
import { OnnxReranker } from "./onnx-reranker.ts";
import { tinyCrossEncoder } from "./tiny-cross-encoder.test.fixture.ts";

const models = tinyModels(tinyCrossEncoder);

/** In this thread: what the worker does, seen by the coverage. */
const here = (folder: string): Promise<OnnxReranker> =>
  OnnxReranker.over(serveHere(createCrossEncoderHost()), { folder, threads: 1 });

describe("OnnxReranker", () => {
  it("scores each passage by reading it beside the query, whatever it is batched with", async () => {
    const folder = await models.make("whole", { "tokenizer_config.json": { model_max_length: 40 } });
    const reranker = await OnnxReranker.open({ folder, threads: 1 });
    expect(reranker.id).toMatch(/^onnx:[0-9a-f]{16}:40$/);
    // Red is worth 3, green 4, blue 5: a hundred times that in the query.
    expect(await reranker.rerank("red", ["blue", "", "green green blue"])).toEqual([305, 300, 313]);
    const many = Array.from({ length: 50 }, (_, at) => "blue ".repeat(at % 7));
    expect(await reranker.rerank("red green", many)).toEqual(many.map((_, at) => 700 + 5 * (at % 7)));
    expect(await reranker.rerank("red", [])).toEqual([]);
    await reranker[Symbol.asyncDispose]();
    await expect(reranker.rerank("red", ["blue"])).rejects.toMatchObject({ code: "index-closed" });
  });

  it("cuts the end of a long passage, and stops when asked", async () => {
    const reranker = await here(await models.make("cut"));
    // Six tokens, of which three are special: one is the query's, two are left.
    expect(await reranker.rerank("red", ["blue blue blue blue"])).toEqual([310]);
    const stopped = reranker.rerank("red", ["blue"], AbortSignal.abort(new Error("enough")));
    await expect(stopped).rejects.toThrow("enough");
    await reranker[Symbol.asyncDispose]();
  });

  it("says what a folder lacks, and that a model gives no scores", async () => {
    await expect(here(join(models.folder(), "nothing"))).rejects.toMatchObject({
      code: "reranker-missing",
      message: expect.stringContaining("cross-encoder"),
    });
    const sentences = await models.make("sentences", { "onnx/model.onnx": tinyModel });
    await expect(here(sentences)).rejects.toMatchObject({
      code: "reranker-unsupported",
      message: expect.stringContaining("3 numbers"),
    });
  });
});
