// How near the suggested learning rate comes to the best of a sweep, on two small GPTs that read letters.
// node --conditions=@pipe/source bench/find-lr/find-lr.ts [steps] [--json]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventBus } from "@pipe/monitor";
import { compose, findLearningRate, loadExperiment, runTokens } from "@pipe/pipeline";
import quick from "../../apps/trainer/src/recipes/quick.ts";
import { machine } from "../result.ts";

const steps = Number(process.argv[2] ?? 300);
const rates = [1, 2, 4, 8, 16, 32, 64, 128, 256].map((factor) => factor * 2.5e-4);
const folder = mkdtempSync(join(tmpdir(), "pipe-find-lr-"));
const cache = join(folder, "data");

async function experimentOf(width: number, rate: number) {
  return loadExperiment({
    ...quick,
    model: { kind: "gpt2", positions: 64, width, layers: 2, heads: 4 },
    training: { steps, batch: 12 },
    optimization: {
      optimizer: { kind: "adamw", beta2: 0.99 },
      schedule: { kind: "cosine", rate, warmup: Math.round(steps / 20), minimum: 0 },
    },
    evaluation: { every: steps, batches: 40, metrics: [{ kind: "loss" }] },
  });
}

/** Validation loss after all steps at this highest rate. */
async function lossAt(width: number, rate: number): Promise<number> {
  const { experiment, components } = await experimentOf(width, rate);
  const signal = new AbortController().signal;
  const events = new EventBus();
  const container = compose(experiment, { components, events, checkpoints: join(folder, "unused"), cache, signal });
  try {
    const parts = container.scope();
    const [step, loader] = [await parts.get(runTokens.step), await parts.get(runTokens.train)];
    const validation = await parts.get(runTokens.validation);
    let done = 0;
    for await (const { arrays } of loader.batches()) {
      await step.run(arrays);
      if (++done === steps) break;
    }
    await step.drain();
    const evaluator = await parts.get(runTokens.evaluator);
    const report = await evaluator.evaluate(step.state, validation.batches(), { batches: 40 });
    return report.metrics["loss"]!;
  } finally {
    await container[Symbol.asyncDispose]();
  }
}

const models = [];
for (const width of [32, 128]) {
  const { experiment, components } = await experimentOf(width, 1e-3);
  const report = await findLearningRate(experiment, { components, cache });
  console.log(`width ${width}: suggestion ${report.suggestion.toExponential(2)} by ${report.by}, ${report.ended}`);
  const sweep: { rate: number; loss: number }[] = [];
  for (const rate of rates) {
    sweep.push({ rate, loss: await lossAt(width, rate) });
    console.log(`  rate ${rate.toExponential(2)}  validation loss ${sweep.at(-1)!.loss.toFixed(4)}`);
  }
  const best = sweep.reduce((a, b) => (b.loss < a.loss ? b : a));
  const factor = Math.max(best.rate / report.suggestion, report.suggestion / best.rate);
  console.log(`  best ${best.rate.toExponential(2)}; the suggestion is ${factor.toFixed(2)} times off`);
  models.push({ width, suggestion: report.suggestion, best: best.rate, factor, sweep, points: report.points });
}
rmSync(folder, { recursive: true });
if (process.argv.includes("--json"))
  console.log(JSON.stringify({ name: "find-lr", steps, machine: machine(), models }));
