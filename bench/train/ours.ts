// One round of our training step on random tokens: prints step times in ms and peak memory in MB as JSON.
import { sizes } from "./sizes.ts";
import { trainingStep } from "./training-step.ts";

const size = sizes[process.argv[2]!]!;
const { engine, step, batch } = await trainingStep(size);
const times: number[] = [];
for (let i = 0; i < size.steps; i++) {
  const feeds = batch();
  const begin = performance.now();
  await step.run(feeds);
  // As the PyTorch reference does: each step ends with its loss on the host.
  await step.drain();
  times.push(performance.now() - begin);
}
console.log(JSON.stringify({ times, memory: process.resourceUsage().maxRSS / 1024 }));
await engine[Symbol.asyncDispose]();
