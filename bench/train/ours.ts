// One round of our training step on random tokens: prints step times in ms and peak memory in MB as JSON.
// Arguments: size, engine (onnx, xla or xla-bf16).
import { peakResidentBytes } from "@pipe/core";
import { sizes } from "./sizes.ts";
import { trainingStep } from "./training-step.ts";

const [, , name, engineName] = process.argv;
const size = sizes[name!]!;
const { engine, step, batch } = await trainingStep(size, engineName);
const times: number[] = [];
for (let i = 0; i < size.steps; i++) {
  const feeds = batch();
  const begin = performance.now();
  await step.run(feeds);
  // As the PyTorch reference does: each step ends with its loss on the host.
  await step.drain();
  times.push(performance.now() - begin);
}
console.log(JSON.stringify({ times, memory: peakResidentBytes() / 2 ** 20 }));
await engine[Symbol.asyncDispose]();
