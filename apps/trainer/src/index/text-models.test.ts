import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openExperiment } from "../experiment.test.fixture.ts";
import { tinyTextModels } from "../tiny-text-models.test.fixture.ts";

const { folder, pipe } = await openExperiment();

const { tinyModel, tinyModels, tinyCrossEncoder } = await tinyTextModels();
const [sentences, crossEncoders] = [tinyModels(tinyModel), tinyModels(tinyCrossEncoder)];

let sentenceModel: string;
let crossEncoder: string;
beforeAll(async () => {
  sentenceModel = await sentences.make("sentences");
  crossEncoder = await crossEncoders.make("cross-encoder");
  await mkdir(join(folder, "colours"));
  for (const colour of ["red", "green", "blue"])
    await writeFile(join(folder, "colours", `${colour}.md`), `${colour}\n`);
});

describe("models in ONNX", () => {
  const paths = (out: string): string[] =>
    out
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { path: string }).path);

  it("make the vectors of an index, and order what is found anew", async () => {
    const index = ["--index", "by-colour"];
    const made = await pipe(["index", "colours", ...index, "--embedder", sentenceModel]);
    expect([made.err, made.out]).toEqual(["", expect.stringContaining("3 passages, 3 embedded")]);
    const plain = await pipe(["search", "red", ...index, "--json"]);
    expect(paths(plain.out)[0]).toBe("red.md");
    // It counts 3 for red, 4 for green and 5 for blue in a passage.
    const reranked = await pipe(["search", "red", ...index, "--rerank", crossEncoder, "--explain", "--json"]);
    expect(paths(reranked.out)).toEqual(["blue.md", "green.md", "red.md"]);
    const shown = await pipe(["search", "red", ...index, "--rerank", crossEncoder, "--explain"]);
    expect(shown.out).toMatch(/onnx:[0-9a-f]{16}:6 305/);
  });

  it("may lie in another file of the folder, which the index remembers", async () => {
    const other = await sentences.make("variants", { "onnx/model_q8.onnx": tinyModel, "onnx/model.onnx": "torn" });
    const file = join(other, "onnx/model_q8.onnx");
    const made = await pipe(["index", "colours", "--index", "by-variant", "--embedder", file]);
    expect([made.err, made.out]).toEqual(["", expect.stringContaining("3 embedded")]);
    const found = await pipe(["search", "red", "--index", "by-variant", "--mode", "vector", "--json"]);
    expect(paths(found.out)[0]).toBe("red.md");
    expect((await pipe(["index", "status", "--index", "by-variant"])).out).toContain(`model: ${file}`);
    const torn = await pipe(["index", "colours", "--index", "torn", "--embedder", other]);
    expect([torn.code, torn.err]).toEqual([1, expect.stringContaining("could not be loaded")]);
  });

  it("are named where they are missing or of another kind", async () => {
    await pipe(["index", "colours", "--words", "--index", "words"]);
    const search = (model: string) => pipe(["search", "red", "--index", "words", "--rerank", model]);
    const none = await search("colours");
    expect([none.code, none.err]).toEqual([1, expect.stringContaining("colours is no cross-encoder in ONNX")]);
    const other = await search(sentenceModel);
    expect([other.code, other.err]).toEqual([1, expect.stringContaining("one score for a pair of texts")]);
    const alone = await pipe(["generate", "--run", "any", "--prompt", "red", "--rerank", crossEncoder]);
    expect([alone.code, alone.err]).toEqual([2, expect.stringContaining("--context <index>")]);
  });
});
