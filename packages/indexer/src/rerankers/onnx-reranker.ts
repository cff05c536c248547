import type { IReranker } from "@pipe/core";
import type { TextModelOptions } from "../text-model/text-model.ts";
import { endServing, inTurns, orStopped, type Serving, startWorker } from "../worker-channel.ts";
import type { CrossEncoderApi } from "./cross-encoder-host.ts";

/** Which model reranks, and how. */
export type OnnxRerankerOptions = {
  /**
   * Folder of a cross-encoder as on Hugging Face's hub: `tokenizer.json`, `model.onnx` or `onnx/model.onnx`, and where it
   * exists `tokenizer_config.json`.
   */
  readonly folder: string;
  /** The model's file in there, such as one of a quantised variant; default `model.onnx` or `onnx/model.onnx`. */
  readonly file?: string;
  /** Threads of one product; default all cores. */
  readonly threads?: number;
  /** Tokens of query and passage together at most, the end of the passage is cut off; default what the model was trained with. */
  readonly maxTokens?: number;
};

/** Passages in one call of the worker: after each the caller may stop. */
const batch = 16;

/**
 * Scores passages with a cross-encoder in ONNX Runtime, in a worker thread: the model reads each together with the query
 * (Nogueira and Cho 2019). Scores are the model's own numbers, without a sigmoid.
 */
export class OnnxReranker implements IReranker, AsyncDisposable {
  readonly id: string;
  readonly #serving: Serving<CrossEncoderApi>;

  private constructor(serving: Serving<CrossEncoderApi>, id: string) {
    this.#serving = serving;
    this.id = id;
  }

  /** Opens a model. @throws PipeError `reranker-missing`, `reranker-unsupported`. */
  static async open(options: OnnxRerankerOptions): Promise<OnnxReranker> {
    return OnnxReranker.over(startWorker<CrossEncoderApi>("rerankers/cross-encoder"), options);
  }

  /** Opens a model that another thread, or this one, serves. */
  static async over(serving: Serving<CrossEncoderApi>, options: TextModelOptions): Promise<OnnxReranker> {
    return new OnnxReranker(serving, await orStopped(serving, serving.channel.call("open", options)));
  }

  async rerank(query: string, passages: readonly string[], signal?: AbortSignal): Promise<readonly number[]> {
    return inTurns(passages, batch, signal, (some) => this.#serving.channel.call("rerank", query, some));
  }

  /** Stops the worker when it has scored what it was given last. */
  async [Symbol.asyncDispose](): Promise<void> {
    await endServing(this.#serving, "The reranker was disposed.");
  }
}
