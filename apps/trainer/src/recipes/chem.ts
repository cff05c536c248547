import { defineRecipe } from "@pipe/config";

/**
 * A GPT of 17.7 million parameters on texts about chemistry, one JSON object with a field `text` a line; 13 million are
 * the embedding of GPT-2's tokens. Four times through 4 MB of text take about an hour on two cores.
 * Give it the texts: --set data.source.path=<file.jsonl>
 */
export default defineRecipe({
  name: "chem",
  data: {
    source: { kind: "jsonl", path: "chem.jsonl", field: "text" },
    tokenizer: { kind: "gpt", encoding: "r50k_base" },
    sequenceLength: 256,
    split: { by: "document", fraction: 0.05 },
  },
  model: { kind: "gpt2", positions: 256, width: 256, layers: 6, heads: 8, dropout: 0.1 },
  training: { epochs: 4, batch: 16 },
  optimization: {
    optimizer: { kind: "adamw", beta2: 0.99, weightDecay: 0.1 },
    schedule: { kind: "cosine", rate: 1e-3, warmup: 100, minimum: 1e-4 },
  },
  evaluation: {
    every: 250,
    batches: 20,
    sample: { every: 250, prompt: "The reaction of sodium with water", tokens: 80, temperature: 0.8, topK: 50 },
  },
  checkpoint: { every: 250, keepLast: 2 },
});
