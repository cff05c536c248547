import type { IEmbedder } from "@pipe/core";
import type { TextModelOptions } from "../text-model/text-model.ts";
import { endServing, inTurns, orStopped, type Serving, startWorker } from "../worker-channel.ts";
import type { SentenceApi } from "./sentence-host.ts";

/** Which model embeds, and how. */
export type OnnxEmbedderOptions = {
  /**
   * Folder of a sentence-transformers model as on Hugging Face's hub: `tokenizer.json`, `model.onnx` or `onnx/model.onnx`,
   * and where they exist `sentence_bert_config.json` and `1_Pooling/config.json`.
   */
  readonly folder: string;
  /** The model's file in there, such as one of a quantised variant; default `model.onnx` or `onnx/model.onnx`. */
  readonly file?: string;
  /** Threads of one product; default all cores. */
  readonly threads?: number;
  /** Tokens of one text at most, the rest is cut off; default what the model was trained with. */
  readonly maxTokens?: number;
};

/** Texts in one call of the worker: after each the caller may stop. */
const batch = 64;

/** Embeds texts with a sentence-transformers model in ONNX Runtime, in a worker thread: mean or first-token pooling, length 1. */
export class OnnxEmbedder implements IEmbedder {
  readonly space: IEmbedder["space"];
  readonly #serving: Serving<SentenceApi>;

  private constructor(serving: Serving<SentenceApi>, space: IEmbedder["space"]) {
    this.#serving = serving;
    this.space = space;
  }

  /** Opens a model. @throws PipeError `embedder-missing`, `embedder-unsupported`. */
  static async open(options: OnnxEmbedderOptions): Promise<OnnxEmbedder> {
    return OnnxEmbedder.over(startWorker<SentenceApi>("embedders/sentence"), options);
  }

  /** Opens a model that another thread, or this one, serves. */
  static async over(serving: Serving<SentenceApi>, options: TextModelOptions): Promise<OnnxEmbedder> {
    return new OnnxEmbedder(serving, await orStopped(serving, serving.channel.call("open", options)));
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]> {
    return inTurns(texts, batch, signal, (some) => this.#serving.channel.call("embed", some));
  }

  /** Stops the worker when it has embedded what it was given last. */
  async [Symbol.asyncDispose](): Promise<void> {
    await endServing(this.#serving, "The embedder was disposed.");
  }
}
