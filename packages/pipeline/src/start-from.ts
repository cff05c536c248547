import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { folderOf, type Origin, originOf, formatOrigin, overlay, type RawConfig } from "@pipe/config";
import { type HostTensor, type ITokenizer, type Json, messageOf, type ParameterSpec, PipeError } from "@pipe/core";
import { loadTokenizer } from "@pipe/data";
import { ModelLoader, resolveCheckpoint } from "@pipe/persist";
import { modelOf } from "./trained-model.ts";

/**
 * Fills in what a model brings that starts from stored weights (`model.from`): its kind and sizes where `model` names no
 * kind, its tokenizer and its positions as length of a row where `data` says nothing. Everything that is written stands.
 *
 * @param from the folder that paths are seen from which no recipe names; default the working folder.
 * @throws PipeError `model-missing`, `model-unsupported`, `tokenizer-unsupported`.
 */
export async function withStart(config: RawConfig, from = "."): Promise<RawConfig> {
  const { raw, origins } = config;
  const { model, data } = raw as { readonly model?: Fields; readonly data?: Fields };
  if (!isFields(model) || typeof model["from"] !== "string") return config;
  const needs = {
    model: model["kind"] === undefined,
    tokenizer: data?.["tokenizer"] === undefined,
    length: data?.["sequenceLength"] === undefined,
  };
  if (!needs.model && !needs.tokenizer && !needs.length) return config;
  const path = resolve(folderOf(origins, "model.from", from), model["from"]);
  const place = originOf(origins, "model.from");
  const { location } = await resolveCheckpoint(path);
  const text = await read(location, "config.json", place);
  const { vocabularyMultiple: _, ...sizes } = modelOf(text, location).options;
  const filled: { readonly path: readonly string[]; readonly value: Json; readonly file: string }[] = [];
  if (needs.model) {
    for (const [name, value] of Object.entries({ kind: "gpt2", ...sizes }))
      if (model[name] === undefined) filled.push({ path: ["model", name], value, file: "config.json" });
  }
  if (needs.length) filled.push({ path: ["data", "sequenceLength"], value: sizes.positions, file: "config.json" });
  if (needs.tokenizer) {
    await read(location, "tokenizer.json", place);
    const tokenizer = await loadTokenizer(join(location, "tokenizer.json"));
    const value = tokenizerOptions(tokenizer);
    filled.push({ path: ["data", "tokenizer"], value, file: "tokenizer.json" });
  }
  return overlay(
    config,
    filled.map(({ path: at, value, file }) => ({
      path: at,
      value,
      origin: { source: "recipe", name: join(location, file) },
    })),
  );
}

/**
 * The weights that a model starts with, from a run or a folder.
 * @throws PipeError `tokenizer-mismatch` where they belong to other tokens than the text's, and what {@link ModelLoader} throws.
 */
export async function startWeights(
  from: string,
  parameters: readonly ParameterSpec[],
  tokenizer: ITokenizer,
): Promise<{ readonly [name: string]: HostTensor }> {
  const { location } = await resolveCheckpoint(from);
  await checkTokenizer(location, tokenizer);
  return new ModelLoader().load(location, parameters);
}

type Fields = { readonly [field: string]: unknown };

/** The same id means the same token; a folder without a tokenizer, or with one that is unknown, cannot be compared. */
async function checkTokenizer(location: string, { id }: ITokenizer): Promise<void> {
  let known: ITokenizer;
  try {
    known = await loadTokenizer(join(location, "tokenizer.json"));
  } catch (error) {
    if (PipeError.is(error, "tokenizer-missing") || PipeError.is(error, "tokenizer-unsupported")) return;
    throw error;
  }
  checkSameTokens(location, known, id);
}

/** @throws PipeError `tokenizer-mismatch` where the weights in a folder belong to other tokens than the text's. */
export function checkSameTokens(location: string, { id: expected }: ITokenizer, got: string): void {
  if (expected === got) return;
  throw new PipeError("tokenizer-mismatch", "The weights of the model belong to another tokenizer than the text's.", {
    expected,
    got,
    where: location,
    fix: "leave data.tokenizer out: it is then that of the model",
  });
}

/** A tokenizer of `loadTokenizer` as a configuration names it. */
export function tokenizerOptions(tokenizer: ITokenizer): Json {
  const [kind, encoding] = tokenizer.id.split(":") as [string, string?];
  if (kind === "gpt") return { kind, encoding: encoding! };
  if (kind !== "char") return { kind };
  const { characters } = JSON.parse(tokenizer.file()) as { readonly characters: readonly string[] };
  return { kind, characters: characters.join("") };
}

async function read(location: string, name: string, place: Origin | undefined): Promise<string> {
  try {
    return await readFile(join(location, name), "utf8");
  } catch (cause) {
    throw new PipeError("model-missing", `The model to start from has no ${name} to take ${WANTED[name]!} from.`, {
      expected: "model.from to be a run, or a folder as transformers saves it",
      got: messageOf(cause),
      ...(place === undefined ? {} : { where: formatOrigin(place) }),
      fix: FIX[name]!,
      cause,
    });
  }
}

const WANTED: { readonly [name: string]: string } = { "config.json": "its sizes", "tokenizer.json": "its tokenizer" };
const FIX: { readonly [name: string]: string } = {
  "config.json": "name the run or the folder: --set model.from=<path>",
  "tokenizer.json": "save the tokenizer beside the model, or set data.tokenizer",
};

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
