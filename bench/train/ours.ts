// One round of our training step on random tokens: prints step times in ms and peak memory in MB as JSON.
// Arguments: size, engine (onnx or xla), precision of products (fp32 or bf16).
import { sizes } from "./sizes.ts";
import { trainingStep } from "./training-step.ts";

const [, , name, kind, precision] = process.argv;
const size = sizes[name!]!;
const { engine, step, batch } = await trainingStep(size, {
  ...(kind === undefined ? {} : { engine: kind }),
  ...(precision === "bf16" ? { precision } : {}),
});
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
