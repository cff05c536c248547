import { defineRecipe } from "@pipe/config";

/**
 * A GPT of 0.8 million parameters on Shakespeare's letters, with the sizes of nanoGPT's CPU example: about three minutes.
 * Give it the text: --set data.source.path=<file>
 */
export default defineRecipe({
  name: "shakespeare-char",
  data: {
    source: { kind: "text", path: "input.txt" },
    tokenizer: { kind: "char" },
    sequenceLength: 64,
    split: { by: "tail", fraction: 0.1 },
  },
  model: { kind: "gpt2", positions: 64, width: 128, layers: 4, heads: 4 },
  training: { steps: 2000, batch: 12 },
  optimization: {
    optimizer: { kind: "adamw", beta2: 0.99 },
    schedule: { kind: "cosine", rate: 2e-3, warmup: 100, minimum: 1e-4 },
  },
  evaluation: { every: 500, sample: { every: 500, prompt: "\n", tokens: 200 } },
  checkpoint: { every: 500, keepLast: 2 },
});
