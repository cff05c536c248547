import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Writes `tiny.yaml` and its text into a folder: a model that learns four words in a moment. */
export async function writeTinyRecipe(folder: string, steps: number): Promise<void> {
  const text = join(folder, "text.txt");
  await writeFile(text, "north east south west ".repeat(100));
  const recipe = {
    name: "tiny",
    engine: { kind: "onnx", threads: 1 },
    data: {
      source: { kind: "text", path: text },
      tokenizer: { kind: "char" },
      sequenceLength: 16,
      split: { by: "tail" },
    },
    model: { kind: "gpt2", positions: 16, width: 16, layers: 1, heads: 2 },
    training: { steps, batch: 2 },
    evaluation: { every: steps / 2, batches: 1, sample: { every: steps, prompt: "north", tokens: 3 } },
  };
  await writeFile(join(folder, "tiny.yaml"), JSON.stringify(recipe)); // JSON is YAML
}
