import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createByteTokenizer, createCharTokenizer, createGptTokenizer } from "@pipe/data";
import { Random } from "@pipe/core";
import { GPT2Model } from "@pipe/models";
import { ModelLoader, writeWeights } from "@pipe/persist";
import { initialize } from "@pipe/train";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exportHuggingFace } from "./export-model.ts";
import { importHuggingFace } from "./import-model.ts";
import { modelFiles } from "./model-files.ts";
import { tokenizerOptions } from "./start-from.ts";
import { readTrainedModel } from "./trained-model.ts";

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "pipe-exchange-"))));
afterAll(() => rm(folder, { recursive: true }));

const model = new GPT2Model({ vocabulary: 257, positions: 8, width: 4, layers: 1, heads: 1 });
const weights = initialize(model.parameters(), new Random(1));

/** A folder with the model and a tokenizer. */
async function saved(name: string, files: { readonly [file: string]: string }): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await writeWeights(join(path, "model.safetensors"), model.parameters(), weights);
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text);
  return path;
}

it("imports a folder as a run and exports it with the same weights", async () => {
  const from = await saved("whole", modelFiles(model, createByteTokenizer()));
  const { run, stored } = await importHuggingFace({ folder: from, runsDir: join(folder, "runs"), name: "whole" });
  expect([stored.tokenizer.id, run.info.imported]).toEqual(["byte", from]);
  const out = join(folder, "out");
  expect(await exportHuggingFace(run.path, out)).toMatchObject({ step: 0 });
  expect((await readdir(out)).sort()).toEqual([
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  expect(await new ModelLoader().load(out, model.parameters())).toEqual(weights);
  expect(JSON.parse(await readFile(join(out, "generation_config.json"), "utf8"))).toMatchObject({ eos_token_id: 256 });
  await expect(exportHuggingFace(run.path, out)).rejects.toMatchObject({ code: "export-exists" });
});

it("names no end of text where the tokenizer has none", async () => {
  const from = await saved("chars", modelFiles(model, createCharTokenizer("abc")));
  await exportHuggingFace(from, join(folder, "chars-out"));
  expect(await readFile(join(folder, "chars-out/generation_config.json"), "utf8")).toBe("{}\n");
});

it("refuses a tokenizer with more tokens than the model, and a folder that is not whole", async () => {
  const gpt = await createGptTokenizer();
  const options = { runsDir: join(folder, "runs"), name: "wrong" };
  const large = await saved("large", modelFiles(model, gpt));
  await expect(importHuggingFace({ ...options, folder: large })).rejects.toMatchObject({ code: "vocabulary-mismatch" });
  expect(tokenizerOptions(gpt)).toEqual({ kind: "gpt", encoding: "r50k_base" });
  const bare = await saved("bare", { "config.json": JSON.stringify(model.config()) });
  await expect(readTrainedModel(bare)).rejects.toThrow(/tokenizer.save_pretrained/);
  const torn = await saved("torn", { "config.json": "{", "tokenizer.json": createByteTokenizer().file() });
  await expect(readTrainedModel(torn)).rejects.toThrow(/config.json is not valid JSON/);
  // A download that broke off: the file is named, as it is with one that is none.
  const empty = await saved("empty", { "config.json": JSON.stringify(model.config()), "tokenizer.json": "" });
  await expect(readTrainedModel(empty)).rejects.toMatchObject({
    code: "tokenizer-damaged",
    message: expect.stringContaining(join(empty, "tokenizer.json")) as string,
  });
  expect(await readdir(join(folder, "runs"))).toEqual(["whole"]);
});
