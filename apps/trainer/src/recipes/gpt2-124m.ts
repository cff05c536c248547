import { defineRecipe } from "@pipe/config";

/**
 * GPT-2 small, 124 million parameters, from nothing, on text of your own: sizes and rates of the published runs. A step
 * reads half a million tokens in 64 parts; a CPU needs more than an hour for it, so see there what it does with
 * --dry-run --set training.batch=4 --set training.accumulate=4. Give it the text: --set data.source.path=<files>
 */
export default defineRecipe({
  name: "gpt2-124m",
  data: {
    source: { kind: "text", path: "input.txt" },
    tokenizer: { kind: "gpt", encoding: "r50k_base" },
    sequenceLength: 1024,
    split: { by: "tail", fraction: 0.005 },
  },
  model: { kind: "gpt2", positions: 1024, width: 768, layers: 12, heads: 12, vocabularyMultiple: 64 },
  training: { tokens: 10_000_000_000, batch: 512, accumulate: 64, recompute: true },
  optimization: {
    optimizer: { kind: "adamw", beta2: 0.95, weightDecay: 0.1 },
    schedule: { kind: "cosine", rate: 6e-4, warmup: 700, minimum: 6e-5 },
  },
  evaluation: { every: 250, batches: 40, sample: { every: 250, prompt: "", tokens: 200, temperature: 0.8 } },
  checkpoint: { every: 250, keepLast: 3 },
});
