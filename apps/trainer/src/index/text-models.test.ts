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

  it("are compared on questions of one's own", async () => {
    const questions = ["red", "green", "blue"].map((colour) => `{ "query": "${colour}", "path": "${colour}.md" }\n`);
    await writeFile(
      join(folder, "questions.jsonl"),
      `${questions.join("\n")}{ "query": "white", "paths": ["red.md"] }\n`,
    );
    const evaluate = (...args: string[]) => pipe(["index", "evaluate", "questions.jsonl", ...args]);
    const index = ["--index", "by-colour", "--depth", "2"];
    const { out, err } = await evaluate(...index, "--rerank", crossEncoder);
    expect([err, out.split("\n")]).toEqual([
      "",
      [
        "4 questions, the first 2 documents of each",
        "",
        "          nDCG@2  recall@2    MRR  nDCG beside words, 95 %",
        "words      0.750     0.750  0.750",
        expect.stringMatching(/^meaning +\d\.\d{3} +\d\.\d{3} +\d\.\d{3} +\+0\.250 \[\+0\.000, \+0\.750\]$/),
        expect.stringMatching(/^hybrid +\d\.\d{3} +\d\.\d{3} +\d\.\d{3} +\+0\.250 \[\+0\.000, \+0\.750\]$/),
        // Blue first and green second, whatever is asked: found are blue at once and green by half.
        expect.stringMatching(/^reranked +0\.408 +0\.500 +0\.375 +−0\.342 \[−\d\.\d{3}, [−+]\d\.\d{3}\]$/),
        "",
        "not found by reranked:",
        "  red  (red.md)",
        "  white  (red.md)",
        "",
      ],
    ]);
    const lines = (await evaluate(...index, "--json")).out.trim().split("\n");
    const modes = lines.map((line) => JSON.parse(line) as { mode: string; questions: object[] });
    expect(modes.map(({ mode }) => mode)).toEqual(["words", "meaning", "hybrid"]);
    expect(modes[0]!.questions[3]).toEqual({ query: "white", paths: ["red.md"], rank: null, ndcg: 0, recall: 0 });
  });

  it.each([
    ['{ "query": "red" }', "questions.jsonl:1"],
    ['{ "query": "red", "path": "red.md" }\n{ "query": "", "path": "red.md" }', "questions.jsonl:2"],
    ["red", "questions.jsonl:1"],
    ['{ "query": "red", "paths": [] }', "questions.jsonl:1"],
    ["null", "questions.jsonl:1"],
    ["", "questions, each with"],
    ['{ "query": "red", "path": "read.md" }', "read.md"],
  ])("are not asked %j", async (text, said) => {
    await pipe(["index", "colours", "--words", "--index", "words"]);
    await writeFile(join(folder, "questions.jsonl"), text);
    const { code, err } = await pipe(["index", "evaluate", "questions.jsonl", "--index", "words"]);
    expect([code, err]).toEqual([1, expect.stringContaining(said)]);
  });

  it("lists the first of many questions that are not answered", async () => {
    const question = '{ "query": "white", "path": "red.md" }\n';
    await writeFile(join(folder, "questions.jsonl"), question.repeat(12));
    const { out } = await pipe(["index", "evaluate", "questions.jsonl", "--index", "words"]);
    expect(out).toMatch(/not found by words:\n( {2}white {2}\(red\.md\)\n){10} {2}and 2 more: --json has all\n$/);
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
