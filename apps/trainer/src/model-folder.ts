import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { definedOnly, PipeError } from "@pipe/core";
import type { Host } from "./host.ts";
import { StatusLine } from "./status-line.ts";

/** A kind of models in ONNX: its files, how errors call it and one of Hugging Face's hub. */
type TextModelKind = {
  readonly files: RegExp;
  readonly port: "embedder" | "reranker";
  readonly called: string;
  readonly example: string;
};

const SENTENCE_MODEL: TextModelKind = {
  files: /^(?:tokenizer\.json|sentence_bert_config\.json|1_Pooling\/config\.json|(?:onnx\/)?model\.onnx(?:_data)?)$/,
  port: "embedder",
  called: "sentence embedding model",
  example: "sentence-transformers/all-MiniLM-L6-v2",
};
const CROSS_ENCODER: TextModelKind = {
  files: /^(?:tokenizer(?:_config)?\.json|(?:onnx\/)?model\.onnx(?:_data)?)$/,
  port: "reranker",
  called: "cross-encoder",
  example: "cross-encoder/ms-marco-MiniLM-L6-v2",
};
/** Files of a language model as transformers saves it. */
export const LANGUAGE_MODEL_FILES = /^(?:config\.json|tokenizer\.json|model[\w-]*\.safetensors(?:\.index\.json)?)$/;

/**
 * The folder of a model that is named by its path, or by `owner/name` on Hugging Face's hub, from where its files are brought into
 * the user's cache. A folder that exists comes first. `HF_TOKEN` and `HF_ENDPOINT` are those of Hugging Face's own tools.
 * @throws PipeError `download-failed`, `model-files-missing`.
 */
export async function modelFolder(host: Host, named: string, files: RegExp): Promise<string> {
  const path = resolve(host.cwd, named);
  if (existsSync(path)) return path;
  const [{ downloadHuggingFaceModel, isHuggingFaceModel }, { cacheFolder }, { formatBytes }] = await Promise.all([
    import("@pipe/data"),
    import("@pipe/engine-xla/plugins"),
    import("@pipe/monitor"),
  ]);
  if (!isHuggingFaceModel(named)) return path;
  const line = new StatusLine(host.stderr);
  try {
    return await downloadHuggingFaceModel({
      model: named,
      wanted: (file) => files.test(file),
      cache: join(cacheFolder(host.env), "models"),
      onProgress: (bytes, total) =>
        line.show(() => `downloading ${named}: ${formatBytes(bytes)} of ${formatBytes(total)}`),
      ...definedOnly({ token: host.env["HF_TOKEN"], endpoint: host.env["HF_ENDPOINT"] }),
    });
  } catch (cause) {
    if (!PipeError.is(cause, "download-failed")) throw cause;
    throw new PipeError(
      "download-failed",
      `There is no folder ${named}, and it could not be had from Hugging Face's hub.`,
      {
        got: cause.message,
        fix: "name a folder that exists, or a model of the hub; for one behind a login set HF_TOKEN",
        cause,
      },
    );
  } finally {
    line[Symbol.dispose]();
  }
}

/** Whether a folder holds a model in ONNX, as Hugging Face's hub has those that read texts. */
export function isTextModel(folder: string): boolean {
  return ["model.onnx", "onnx/model.onnx"].some((name) => existsSync(join(folder, name)));
}

/** The folder of a sentence embedding model, by its path or its name on the hub. @throws PipeError `embedder-missing`. */
export function sentenceModelFolder(host: Host, named: string): Promise<string> {
  return textModelFolder(host, named, SENTENCE_MODEL);
}

/** The folder of the cross-encoder that `--rerank` names, in the same way. @throws PipeError `reranker-missing`. */
export async function rerankerOf(host: Host, named: string | undefined): Promise<string | undefined> {
  return named === undefined ? undefined : textModelFolder(host, named, CROSS_ENCODER);
}

async function textModelFolder(
  host: Host,
  named: string,
  { files, port, called, example }: TextModelKind,
): Promise<string> {
  const folder = await modelFolder(host, named, files);
  if (isTextModel(folder)) return folder;
  throw new PipeError(`${port}-missing`, `${named} is no ${called} in ONNX.`, {
    expected: "tokenizer.json, and model.onnx or onnx/model.onnx",
    where: folder,
    fix: `name a folder or a model of Hugging Face's hub that has these, such as ${example}`,
  });
}
