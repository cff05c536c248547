import { resolve, join } from "node:path";
import { createHash } from "node:crypto";
import { bytesOf, type HostTensor, type ISnapshot, type Json, PipeError } from "@pipe/core";
import { createRun, ModelCheckpointer, type RunFolder } from "@pipe/persist";
import { modelFiles } from "./model-files.ts";
import { tokenizerOptions } from "./start-from.ts";
import { readTrainedModel, type StoredModel } from "./trained-model.ts";

/** Where a model comes from and goes to. */
export type ImportOptions = {
  /** A folder as transformers saves it, with `tokenizer.json`. */
  readonly folder: string;
  /** Folder of all runs; the run's own is `<runsDir>/<name>`. */
  readonly runsDir: string;
  readonly name: string;
  /** Versions that `run.json` keeps. */
  readonly versions?: { readonly [name: string]: string };
};

/**
 * Makes a run whose only checkpoint, that of step 0, holds foreign weights: to generate with, to evaluate, to start others
 * from. It cannot be resumed, because nothing has trained it.
 *
 * @throws PipeError `run-exists`, `vocabulary-mismatch`, and what {@link readTrainedModel} throws.
 */
export async function importHuggingFace(options: ImportOptions): Promise<{ run: RunFolder; stored: StoredModel }> {
  const { folder, runsDir, name, versions = {} } = options;
  const stored = await readTrainedModel(folder);
  const { model, tokenizer, weights } = stored;
  if (tokenizer.vocabulary > model.options.vocabulary) {
    throw new PipeError("vocabulary-mismatch", "The tokenizer has tokens that the model does not know.", {
      expected: `at most ${model.options.vocabulary} tokens`,
      got: String(tokenizer.vocabulary),
      where: folder,
      fix: "put the tokenizer.json there that the model was made with",
    });
  }
  const { vocabularyMultiple: _, ...sizes } = model.options;
  const config: Json = {
    name,
    model: { kind: model.kind, ...sizes, from: resolve(folder) },
    data: { tokenizer: tokenizerOptions(tokenizer), sequenceLength: sizes.positions },
    training: { epochs: 1 }, // a configuration has a budget; evaluation does not use it
  };
  const configHash = createHash("sha256").update(JSON.stringify(config)).digest("hex");
  const run = await createRun(join(runsDir, name), {
    name,
    config,
    configHash,
    versions,
    engine: "none",
    device: "none",
    imported: resolve(folder),
  });
  await new ModelCheckpointer({ folder: run.checkpoints }).save(snapshotOf(weights), {
    parameters: model.parameters(),
    files: modelFiles(model, tokenizer),
    state: { step: 0 },
  });
  return { run, stored };
}

/** Host tensors as a snapshot of parameters. */
function snapshotOf(weights: { readonly [name: string]: HostTensor }): ISnapshot {
  const sorted = Object.entries(weights)
    .map(([name, tensor]) => [`params/${name}`, tensor] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    specs: new Map(sorted.map(([path, { spec }]) => [path, spec])),
    async *tensors() {
      for (const [path, { spec, data }] of sorted) yield { path, spec, bytes: bytesOf(data) };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
