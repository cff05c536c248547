// Trains GPT-2 on XLA and prints one line of JSON (GpuRun). Bundled by pack.ts; run by run.sh.
import { parseArgs } from "node:util";
import { createXlaEngine } from "@pipe/engine-xla";
import { gptStep } from "../train/gpt-step.ts";
import { type GpuRun, stepFlops } from "./result.ts";
import { gpuSizes } from "./sizes.ts";
import { windowsOf } from "./windows.ts";

const { values } = parseArgs({
  options: {
    plugin: { type: "string" },
    data: { type: "string" },
    size: { type: "string", default: "124m" },
    rows: { type: "string", default: "8" },
    steps: { type: "string", default: "30" },
    precision: { type: "string", default: "bf16" },
  },
});
const [rows, steps] = [Number(values.rows), Number(values.steps)];
const precision = values.precision as GpuRun["precision"];
const size = gpuSizes[values.size]!;
const engine = await createXlaEngine({ plugin: values.plugin!, precision });
const step = await gptStep(engine, { size, rows, precision });
const batch = windowsOf(values.data!, rows, size.positions, size.vocabulary);
const [times, losses]: number[][] = [[], []];
for (let i = 0; i < steps; i++) {
  const begin = performance.now();
  await step.run(batch(i));
  // Each step ends with its loss on the host, on all sides.
  losses!.push((await step.drain())!.loss);
  times!.push(performance.now() - begin);
}
const run: GpuRun = {
  contender: "ours-xla",
  version: process.version,
  device: engine.device.name,
  size: values.size,
  rows,
  positions: size.positions,
  precision,
  flops: stepFlops(size, rows),
  compileMs: step.report.compileMs,
  peakBytes: engine.memory().peakBytes!,
  times: times!,
  losses: losses!,
};
console.log(JSON.stringify(run));
await engine[Symbol.asyncDispose]();
