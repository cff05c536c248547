import { join } from "node:path";

/** An experiment of one small layer over the bytes of `text.txt` in a folder; sections given replace or add to it. */
export function tinyExperiment(
  folder: string,
  { training, ...sections }: { readonly [section: string]: unknown } = {},
): { [section: string]: unknown } {
  return {
    name: "tiny",
    engine: { kind: "onnx", threads: 1 },
    data: {
      source: { kind: "text", path: join(folder, "text.txt") },
      tokenizer: { kind: "byte" },
      sequenceLength: 16,
      split: { by: "tail", fraction: 0.2 },
    },
    model: { kind: "gpt2", positions: 16, width: 16, layers: 1, heads: 2 },
    training: { steps: 4, batch: 4, ...(training as object | undefined) },
    ...sections,
  };
}
