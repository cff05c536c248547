import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rawConfig } from "@pipe/config";
import { loadTokenizer } from "@pipe/data";
import { GPT2Model } from "@pipe/models";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWeights, tokenizerOptions, withStart } from "./start-from.ts";

let folder: string;
const model = new GPT2Model({ vocabulary: 3, positions: 8, width: 4, layers: 1, heads: 1 });
const tokenizerFile = JSON.stringify({ kind: "char", characters: ["a", "b", "c"] });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-start-"));
  await writeFile(join(folder, "config.json"), JSON.stringify(model.config()));
});
afterAll(() => rm(folder, { recursive: true }));

const config = (fields: object) => rawConfig(fields as never, { source: "recipe", name: "a recipe" });

it("takes sizes, length and tokenizer from a folder, and what is given stays", async () => {
  const given = config({ model: { kind: "gpt2", from: folder }, data: { tokenizer: { kind: "byte" } } });
  const { raw } = await withStart(given);
  expect(raw).toMatchObject({ model: { kind: "gpt2" }, data: { sequenceLength: 8, tokenizer: { kind: "byte" } } });
  const bare = config({ model: { from: folder } });
  await expect(withStart(bare)).rejects.toMatchObject({ code: "model-missing" });
  await writeFile(join(folder, "tokenizer.json"), tokenizerFile);
  expect((await withStart(bare)).raw).toMatchObject({
    model: { kind: "gpt2", width: 4, layers: 1 },
    data: { sequenceLength: 8, tokenizer: { kind: "char", characters: "abc" } },
  });
});

it("changes nothing where there is nothing to fill in", async () => {
  const without = config({ model: { kind: "gpt2" } });
  expect(await withStart(without)).toBe(without);
  const data = { tokenizer: { kind: "byte" }, sequenceLength: 4 };
  const whole = config({ model: { kind: "gpt2", from: folder }, data });
  expect(await withStart(whole)).toBe(whole);
});

it("refuses weights of other tokens", async () => {
  const other = await loadTokenizer(JSON.stringify({ kind: "byte" }));
  await expect(startWeights(folder, model.parameters(), other)).rejects.toMatchObject({ code: "tokenizer-mismatch" });
  const same = await loadTokenizer(tokenizerFile);
  await expect(startWeights(folder, model.parameters(), same)).rejects.toMatchObject({ code: "weights-missing" });
  expect([tokenizerOptions(other), tokenizerOptions(same)]).toEqual([
    { kind: "byte" },
    { kind: "char", characters: "abc" },
  ]);
});
