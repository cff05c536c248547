import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { definedOnly, PipeError } from "@pipe/core";
import type { Host } from "./host.ts";
import { StatusLine } from "./status-line.ts";

/** Files of a sentence embedding model in ONNX. */
export const SENTENCE_MODEL_FILES =
  /^(?:tokenizer\.json|sentence_bert_config\.json|1_Pooling\/config\.json|(?:onnx\/)?model\.onnx(?:_data)?)$/;
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
