import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openExperiment } from "../experiment.test.fixture.ts";

const { folder, pipe } = await openExperiment();

/** The tiny models of the index's own tests: words are red, green and blue. */
const fixture = async <T>(path: string): Promise<T> =>
  (await import(new URL(`../../../../packages/indexer/src/${path}.test.fixture.ts`, import.meta.url).href)) as T;

const { tinyModels } = await fixture<{
  tinyModels: (model: Uint8Array) => { make(name: string): Promise<string> };
}>("text-model/tiny-models");
const { tinyModel } = await fixture<{ tinyModel: Uint8Array }>("embedders/tiny-model");
const { tinyCrossEncoder } = await fixture<{ tinyCrossEncoder: Uint8Array }>("rerankers/tiny-cross-encoder");
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
