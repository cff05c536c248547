import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PipeError } from "@pipe/core";
import { huggingFaceTokenizer } from "@pipe/data";
import { type CheckpointName, createFolderAtomic, writeWeights } from "@pipe/persist";
import { modelFiles } from "./model-files.ts";
import { readTrainedModel, type StoredModel } from "./trained-model.ts";

/**
 * Writes the weights of a run's checkpoint, by default the newest, or those of a folder, as a folder that `transformers` loads whole: weights, `config.json`,
 * tokenizer and settings for generation. The folder appears complete or not at all.
 *
 * @throws PipeError `export-exists` where something is at the place, `tokenizer-unsupported`, and what
 * {@link readTrainedModel} throws.
 */
export async function exportHuggingFace(
  path: string,
  folder: string,
  checkpoint?: CheckpointName,
): Promise<StoredModel> {
  refuseExisting(folder);
  const stored = await readTrainedModel(path, checkpoint);
  const { model, tokenizer, weights } = stored;
  const end = tokenizer.endOfText;
  const generation = end === undefined ? {} : { bos_token_id: end, eos_token_id: end, pad_token_id: end };
  const files = {
    ...modelFiles(model, tokenizer),
    ...huggingFaceTokenizer(tokenizer, model.options.positions),
    "generation_config.json": `${JSON.stringify(generation, null, 2)}\n`,
  };
  await createFolderAtomic(folder, async (made) => {
    await writeWeights(join(made, "model.safetensors"), model.parameters(), weights);
    for (const [name, text] of Object.entries(files)) await writeFile(join(made, name), text);
  });
  return stored;
}

/** @throws PipeError `export-exists`. */
export function refuseExisting(path: string): void {
  if (!existsSync(path)) return;
  throw new PipeError("export-exists", "Something is already where the export should go; nothing was written.", {
    where: path,
    fix: "name another place, or remove it first",
  });
}
