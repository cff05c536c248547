import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { definedOnly, PipeError } from "@pipe/core";
import type { Host } from "./host.ts";
import { StatusLine } from "./status-line.ts";

/** A kind of models in ONNX: its other files, how errors call it and one of Hugging Face's hub. */
type TextModelKind = {
  readonly files: RegExp;
  readonly port: "embedder" | "reranker";
  readonly called: string;
  readonly example: string;
};

const SENTENCE_MODEL: TextModelKind = {
  files: /^(?:tokenizer\.json|sentence_bert_config\.json|1_Pooling\/config\.json)$/,
  port: "embedder",
  called: "sentence embedding model",
  example: "sentence-transformers/all-MiniLM-L6-v2",
};
const CROSS_ENCODER: TextModelKind = {
  files: /^tokenizer(?:_config)?\.json$/,
  port: "reranker",
  called: "cross-encoder",
  example: "cross-encoder/ms-marco-MiniLM-L6-v2",
};
const USUAL_FILES = ["model.onnx", "onnx/model.onnx"];

/** Files of a language model as transformers saves it. */
export const LANGUAGE_MODEL_FILES = /^(?:config\.json|tokenizer\.json|model[\w-]*\.safetensors(?:\.index\.json)?)$/;

/**
 * The folder of a model that is named by its path, or by `owner/name` on Hugging Face's hub, from where its files are brought into
 * the user's cache. A folder that exists comes first. `HF_TOKEN` and `HF_ENDPOINT` are those of Hugging Face's own tools.
 * @throws PipeError `download-failed`, `model-files-missing`.
 */
export async function modelFolder(host: Host, named: string, wanted: (file: string) => boolean): Promise<string> {
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
      wanted,
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

/** The folder of a model that reads texts, and its ONNX file in there where that is not the usual one. */
export type TextModelPlace = { readonly folder: string; readonly file?: string };

/**
 * Where a model that reads texts lies, by the path of its folder or of its ONNX file, which has the tokenizer beside it or, as in
 * `onnx/`, above; nothing where there is none.
 */
export function textModelAt(path: string): TextModelPlace | undefined {
  if (!path.endsWith(".onnx"))
    return USUAL_FILES.some((name) => existsSync(join(path, name))) ? { folder: path } : undefined;
  if (!existsSync(path)) return undefined;
  const beside = dirname(path);
  const folder = existsSync(join(beside, "tokenizer.json")) ? beside : dirname(beside);
  return { folder, file: relative(folder, path) };
}

/** The path of a sentence embedding model, by itself or by its name on the hub. @throws PipeError `embedder-missing`. */
export function sentenceModelPath(host: Host, named: string): Promise<string> {
  return textModelPath(host, named, SENTENCE_MODEL);
}

/** The cross-encoder that `--rerank` names in the same way, where it is given. @throws PipeError `reranker-missing`. */
export async function rerankerAt(host: Host, named: string | undefined): Promise<TextModelPlace | undefined> {
  return named === undefined ? undefined : textModelAt(await textModelPath(host, named, CROSS_ENCODER));
}

/** On the hub a model is `owner/name`, or one of its ONNX files `owner/name/onnx/model_quantized.onnx`. */
async function textModelPath(
  host: Host,
  named: string,
  { files, port, called, example }: TextModelKind,
): Promise<string> {
  const [, model = named, file] = /^([^/]+\/[^/]+)\/(.+\.onnx)$/.exec(named) ?? [];
  const wanted = file === undefined ? USUAL_FILES : [file];
  const offered: string[] = [];
  const isWanted = (name: string): boolean => {
    if (name.endsWith(".onnx")) offered.push(name);
    return files.test(name) || wanted.some((each) => name === each || name === `${each}_data`);
  };
  const own = resolve(host.cwd, named);
  const folder = existsSync(own) ? own : await modelFolder(host, model, isWanted);
  const path = folder === own || file === undefined ? folder : join(folder, file);
  if (textModelAt(path) !== undefined) return path;
  throw new PipeError(`${port}-missing`, `${named} is no ${called} in ONNX.`, {
    expected: `tokenizer.json, and ${wanted.join(" or ")}`,
    ...(offered.length === 0 ? {} : { got: offered.join(", ") }),
    where: path,
    fix: `name a folder or a model of Hugging Face's hub that has these, such as ${example}`,
  });
}
