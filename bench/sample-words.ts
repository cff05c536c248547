// How many of the words that a run's model writes occur in a text, beside those of an untrained model of the same size.
// node --conditions=@pipe/source bench/src/sample-words.ts <run folder> '<glob of the training text>' [words] [temperature]
import { globSync, readFileSync } from "node:fs";
import { type DeviceTensor, Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { generatorOf, openTrainedModel } from "@pipe/pipeline";
import { initialize } from "@pipe/train";

const [run, glob, count = "500", temperature = "0.7"] = process.argv.slice(2);
const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z']+/g) ?? [];
const known = new Set(globSync(glob!).flatMap((path) => wordsOf(readFileSync(path, "utf8"))));
const engine = await createOnnxEngine();
const trained = await openTrainedModel(run!, engine);
const generator = generatorOf(trained, engine);

async function share(params: { readonly [name: string]: DeviceTensor }): Promise<number> {
  const words: string[] = [];
  for (let seed = 0; words.length < Number(count); seed++) {
    const text = await generator.generate(params, {
      prompt: "The ",
      tokens: 400,
      seed,
      temperature: Number(temperature),
    });
    // The first and the last word may be cut.
    words.push(...wordsOf(text).slice(1, -1));
  }
  return words.slice(0, Number(count)).filter((word) => known.has(word)).length / Number(count);
}

const fresh = initialize(trained.model.parameters(), new Random(1));
const untrained = await engine.put(fresh);
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
console.log(
  `words that occur in the training text: trained ${percent(await share(trained.params))}, untrained ${percent(await share(untrained))} (of ${count}, temperature ${temperature})`,
);
await engine[Symbol.asyncDispose]();
