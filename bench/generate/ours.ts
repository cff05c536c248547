// Greedy generation with our cache: ours.ts <folder> <rows> <prompt tokens> <new tokens> <runs> <threads>
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ITokenizer, type Json, peakResidentBytes } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { TextGenerator } from "@pipe/eval";
import { modelFromConfig } from "@pipe/models";
import { ModelLoader } from "@pipe/persist";

const [folder, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [rows, prompt, tokens, runs, threads] = numbers.map(Number) as [number, number, number, number, number];
const model = modelFromConfig(JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Json);
const engine = await createOnnxEngine({ threads });
const params = await engine.put(await new ModelLoader().load(folder, model.parameters()));
/** Ids written as numbers, so that the time is that of the model. */
const tokenizer: ITokenizer = {
  id: "numbers",
  vocabulary: model.options.vocabulary,
  byteLengths: new Uint16Array(model.options.vocabulary).fill(1),
  encode: (text) => Uint32Array.from(text.split(" ").filter(Boolean), Number),
  decode: (ids) => Array.from(ids, (id) => `${id} `).join(""),
  decoder: () => ({ push: (id) => `${id} `, end: () => "" }),
  file: () => "{}",
};
const generator = new TextGenerator({ engine, model, tokenizer, positions: model.options.positions });
const prompts = Array.from({ length: rows }, (_, row) =>
  Array.from({ length: prompt }, (_each, i) => (31 * i + 17 * row) % 50_000).join(" "),
);
const times: number[] = [];
let texts: readonly string[] = [];
for (let run = 0; run <= runs; run++) {
  const begin = performance.now();
  texts = await generator.batch(params, prompts, { tokens, temperature: 0 });
  times.push(performance.now() - begin);
}
const ids = texts.map((text) => text.trim().split(" ").map(Number));
console.log(JSON.stringify({ times: times.slice(1), memory: peakResidentBytes() / 2 ** 20, ids }));
await generator[Symbol.asyncDispose]();
await engine[Symbol.asyncDispose]();
