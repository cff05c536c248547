import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PipeError } from "@pipe/core";

/** What a model that reads texts is for, as errors say it. */
export type TextModelKind = {
  /** Begins the codes of its errors. */
  readonly port: "embedder" | "reranker";
  /** Such as "sentence embedding model". */
  readonly called: string;
  /** One of Hugging Face's hub. */
  readonly example: string;
};

/** A model that reads texts, in a folder as Hugging Face's hub has it. */
export type TextModelFiles = {
  readonly model: string;
  /** The parsed `tokenizer.json`. */
  readonly tokenizer: object;
  /** Tokens of one text at most. */
  readonly maxTokens: number;
  /** Hash of the model's bytes. */
  readonly hash: string;
};

/** Longer ones say that there is no limit. */
const longest = 1_000_000;

/** Finds the parts of a model in a folder. @throws PipeError `<port>-missing` naming the file. */
export async function readTextModelFiles(folder: string, kind: TextModelKind, file?: string): Promise<TextModelFiles> {
  const { port, called, example } = kind;
  const names = file === undefined ? ["model.onnx", "onnx/model.onnx"] : [file];
  const model = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  const tokenizer = await readModelJson(folder, "tokenizer.json", kind);
  if (model === undefined || tokenizer === undefined) {
    throw new PipeError(`${port}-missing`, `A folder holds no ${called} in ONNX.`, {
      expected: `tokenizer.json, and ${names.join(" or ")}`,
      got: `no ${model === undefined ? names[0]! : "tokenizer.json"}`,
      where: folder,
      fix: `download a model with ONNX files from Hugging Face's hub, such as ${example}`,
    });
  }
  const sentence = await readModelJson(folder, "sentence_bert_config.json", kind);
  const config = await readModelJson(folder, "tokenizer_config.json", kind);
  const { truncation } = tokenizer as { truncation?: { max_length?: number } | null };
  const stated = [sentence?.["max_seq_length"], config?.["model_max_length"], truncation?.max_length];
  const maxTokens = stated.find((length): length is number => typeof length === "number" && length < longest);
  return { model, tokenizer, maxTokens: maxTokens ?? 512, hash: await hashOf(model) };
}

/** A JSON file of a model; nothing where it is not there. @throws PipeError `<port>-missing`. */
export async function readModelJson(
  folder: string,
  name: string,
  { port, called }: TextModelKind,
): Promise<{ readonly [field: string]: unknown } | undefined> {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8")) as { readonly [field: string]: unknown };
  } catch (cause) {
    throw new PipeError(`${port}-missing`, `A file of a ${called} is damaged.`, {
      got: (cause as Error).message,
      where: path,
      fix: "download it again",
      cause,
    });
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  // Large pieces: a model has some hundred megabytes, and whoever searches waits for this.
  for await (const part of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(part as Buffer);
  return hash.digest("hex");
}
