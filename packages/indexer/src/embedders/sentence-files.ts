import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PipeError } from "@pipe/core";

/** A sentence-transformers model in a folder, as Hugging Face's hub has it. */
export type SentenceFiles = {
  readonly model: string;
  /** The parsed `tokenizer.json`. */
  readonly tokenizer: object;
  /** Tokens of one text at most. */
  readonly maxTokens: number;
  /** What becomes the vector: the mean over tokens, or the first token. */
  readonly pooling: "mean" | "cls";
  /** Hash of the model's bytes: another model is another space. */
  readonly hash: string;
};

/** Finds the parts of a model in a folder. @throws PipeError `embedder-missing` naming the file, `embedder-unsupported`. */
export async function readSentenceFiles(folder: string): Promise<SentenceFiles> {
  const model = ["model.onnx", "onnx/model.onnx"].map((name) => join(folder, name)).find((path) => existsSync(path));
  const tokenizer = await readJson(join(folder, "tokenizer.json"));
  if (model === undefined || tokenizer === undefined) {
    throw new PipeError("embedder-missing", "A folder holds no sentence embedding model in ONNX.", {
      expected: "tokenizer.json, and model.onnx or onnx/model.onnx",
      got: `no ${model === undefined ? "model.onnx" : "tokenizer.json"}`,
      where: folder,
      fix: "download a model with ONNX files from Hugging Face's hub, such as sentence-transformers/all-MiniLM-L6-v2",
    });
  }
  const sentence = await readJson(join(folder, "sentence_bert_config.json"));
  const pooling = await readJson(join(folder, "1_Pooling/config.json"));
  const { truncation } = tokenizer as { truncation?: { max_length?: number } | null };
  return {
    model,
    tokenizer,
    maxTokens: (sentence?.["max_seq_length"] as number | undefined) ?? truncation?.max_length ?? 512,
    pooling: poolingOf(pooling, folder),
    hash: await hashOf(model),
  };
}

function poolingOf(config: { readonly [field: string]: unknown } | undefined, folder: string): "mean" | "cls" {
  if (config === undefined || config["pooling_mode_mean_tokens"] === true) return "mean";
  if (config["pooling_mode_cls_token"] === true) return "cls";
  throw new PipeError("embedder-unsupported", "A sentence embedding model pools its tokens in an unknown way.", {
    expected: "the mean over tokens, or the first token",
    got: Object.keys(config)
      .filter((key) => config[key] === true)
      .join(", "),
    where: join(folder, "1_Pooling/config.json"),
  });
}

async function readJson(path: string): Promise<{ readonly [field: string]: unknown } | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8")) as { readonly [field: string]: unknown };
  } catch (cause) {
    throw new PipeError("embedder-missing", "A file of a sentence embedding model is damaged.", {
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
