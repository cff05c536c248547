// A long run of a tiny model with evaluation, samples, checkpoints and every reporter: memory and handles must stay flat.
//   node --expose-gc --conditions=@pipe/source bench/soak.ts [steps]
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@pipe/core";
import { EventBus, MetricsCollector, PerformanceTracker, ProgressReporter } from "@pipe/monitor";
import { loadExperiment, TrainingPipelineV2 } from "@pipe/pipeline";

const steps = Number(process.argv[2] ?? 20_000);
const folder = await mkdtemp(join(tmpdir(), "pipe-soak-"));
const random = new Random(1);
const words = ["alpha", "beta", "gamma", "delta", "omega"];
await writeFile(join(folder, "text.txt"), Array.from({ length: 20_000 }, () => words[random.integer(5)]!).join(" "));
const { experiment, components } = await loadExperiment({
  name: "soak",
  engine: { kind: "onnx", threads: 2 },
  data: {
    source: { kind: "text", path: join(folder, "text.txt") },
    tokenizer: { kind: "char" },
    sequenceLength: 32,
    split: { by: "tail", fraction: 0.1 },
  },
  model: { kind: "gpt2", positions: 32, width: 16, layers: 2, heads: 2, dropout: 0.1 },
  training: { steps, batch: 4, accumulate: 2 },
  evaluation: { every: 250, batches: 2, sample: { every: 500, prompt: "alpha", tokens: 40 } },
  checkpoint: { every: 500, keepLast: 2 },
});
const events = new EventBus();
let written = 0;
new ProgressReporter({ output: { write: (text: string) => (written += text.length) }, every: 10 }).attach(events);
new MetricsCollector().attach(events);
new PerformanceTracker({ now: () => performance.now() }).attach(events);
type Sample = {
  readonly step: number;
  readonly rss: number;
  readonly heap: number;
  readonly fds: number;
  readonly resources: number;
};
const samples: Sample[] = [];
events.on("checkpoint-saved", async ({ step }) => {
  if (step % 1000 !== 0) return;
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const fds = (await readdir("/proc/self/fd")).length;
  const sample = {
    step,
    rss: rss / 2 ** 20,
    heap: heapUsed / 2 ** 20,
    fds,
    resources: process.getActiveResourcesInfo().length,
  };
  samples.push(sample);
  console.log(
    `step ${step}: ${sample.rss.toFixed(0)} MB resident, ${sample.heap.toFixed(1)} MB heap, ${fds} descriptors, ${sample.resources} resources`,
  );
});
const begin = performance.now();
await new TrainingPipelineV2(experiment, { components, runsDir: join(folder, "runs"), events, now: Date.now }).run();
const [early, late] = [samples[Math.floor(samples.length / 4)]!, samples.at(-1)!];
console.log(
  JSON.stringify({
    name: "soak",
    steps,
    seconds: (performance.now() - begin) / 1000,
    written,
    growth: {
      rss: late.rss - early.rss,
      heap: late.heap - early.heap,
      fds: late.fds - early.fds,
      resources: late.resources - early.resources,
    },
    samples,
  }),
);
await rm(folder, { recursive: true });
