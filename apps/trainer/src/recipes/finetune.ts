import { defineRecipe } from "@pipe/config";

/**
 * Goes on from the weights of another model, which brings its sizes, its tokenizer and its positions: small steps, as what
 * it knows should stay. Give it both: --set model.from=<run or folder> --set data.source.path=<files>
 */
export default defineRecipe({
  name: "finetune",
  data: {
    source: { kind: "text", path: "input.txt" },
    split: { by: "tail", fraction: 0.1 },
  },
  model: { from: "model", dropout: 0.1 },
  training: { epochs: 3, batch: 8 },
  optimization: {
    optimizer: { kind: "adamw", beta2: 0.99, weightDecay: 0.01 },
    schedule: { kind: "cosine", rate: 5e-5, warmup: 20, minimum: 5e-6 },
  },
  evaluation: { every: 50, batches: 20 },
  checkpoint: { every: 50, keepLast: 2 },
});
