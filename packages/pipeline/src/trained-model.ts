import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type DeviceTensor,
  type HostTensor,
  type IEngine,
  type ITokenizer,
  type Json,
  messageOf,
  PipeError,
} from "@pipe/core";
import { loadTokenizer } from "@pipe/data";
import { TextGenerator } from "@pipe/eval";
import { type GPT2Model, ModelEmbedder, modelFromConfig } from "@pipe/models";
import { type CheckpointName, ModelLoader, resolveCheckpoint } from "@pipe/persist";

/** A model with its weights in memory. */
export type StoredModel = {
  /** The checkpoint folder. */
  readonly location: string;
  /** Training step of the weights, where the folder says so. */
  readonly step?: number;
  readonly model: GPT2Model;
  readonly tokenizer: ITokenizer;
  readonly weights: { readonly [name: string]: HostTensor };
};

/** A model with its weights on an engine, ready to use. */
export type TrainedModel = Omit<StoredModel, "weights"> & {
  readonly params: { readonly [name: string]: DeviceTensor };
};

/**
 * Reads a run, a checkpoint folder or a folder of transformers: `config.json`, `tokenizer.json` and weights.
 * @param checkpoint which one of a run; default the newest.
 * @throws PipeError `checkpoint-missing`, `model-unsupported`, `tokenizer-unsupported`, `weights-missing`,
 * `weights-mismatch`, `weights-unsupported`.
 */
export async function readTrainedModel(path: string, checkpoint?: CheckpointName): Promise<StoredModel> {
  const { location, ...rest } = await resolveCheckpoint(path, checkpoint);
  const [config] = await Promise.all([read(location, "config.json"), read(location, "tokenizer.json")]);
  const model = modelOf(config, location);
  const tokenizer = await loadTokenizer(join(location, "tokenizer.json"));
  const weights = await new ModelLoader().load(location, model.parameters());
  return { location, ...rest, model, tokenizer, weights };
}

/** The model of a `config.json`. @throws PipeError `model-unsupported`. */
export function modelOf(config: string, location: string): GPT2Model {
  let parsed: Json;
  try {
    parsed = JSON.parse(config) as Json;
  } catch (cause) {
    const where = join(location, "config.json");
    throw new PipeError("model-unsupported", "A config.json is not valid JSON.", {
      got: messageOf(cause),
      where,
      cause,
    });
  }
  return modelFromConfig(parsed);
}

/** The same with its weights on an engine. */
export async function openTrainedModel(
  path: string,
  engine: IEngine,
  checkpoint?: CheckpointName,
): Promise<TrainedModel> {
  const { weights, ...rest } = await readTrainedModel(path, checkpoint);
  return { ...rest, params: await engine.put(weights) };
}

/** A generator over a trained model. */
export function generatorOf({ model, tokenizer }: TrainedModel, engine: IEngine): TextGenerator {
  return new TextGenerator({ engine, model, tokenizer, positions: model.options.positions });
}

/** An embedder over a trained model. */
export function embedderOf({ model, tokenizer, params, step }: TrainedModel, engine: IEngine): ModelEmbedder {
  const { width, positions } = model.options;
  return new ModelEmbedder({
    engine,
    model,
    tokenizer,
    params,
    width,
    window: positions,
    ...(step === undefined ? {} : { step }),
  });
}

async function read(location: string, name: string): Promise<string> {
  try {
    return await readFile(join(location, name), "utf8");
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new PipeError("checkpoint-missing", "This folder is no run and no checkpoint.", {
      expected: "config.json, tokenizer.json and model.safetensors",
      got: !isMissing ? messageOf(cause) : existsSync(location) ? `no ${name}` : "no such folder",
      where: location,
      ...(name === "tokenizer.json" ? { fix: "in Python, tokenizer.save_pretrained(<folder>) writes it" } : {}),
      cause,
    });
  }
}
