import { Worker } from "node:worker_threads";
import { PipeError, type SourceDocument } from "@pipe/core";
import type { ProcessedDocument } from "./document-processor.ts";
import type { ProcessorAnswer, ProcessorSettings } from "./processor-host.ts";

/** How documents are processed in other threads. */
export type ProcessorPoolOptions = ProcessorSettings & {
  /** Threads at most; each starts when it is needed. Default 1. */
  readonly threads?: number;
  /** Milliseconds that one document may take; default 30,000. */
  readonly timeLimit?: number;
};

/**
 * Parses and cuts documents in worker threads, so that the calling thread stays free, and stops a document that takes too
 * long: time grows faster than length where a text nests deeply.
 */
export class ProcessorPool {
  readonly #options: ProcessorPoolOptions;
  readonly #idle: Worker[] = [];
  readonly #busy = new Set<Worker>();
  readonly #waiting: (() => void)[] = [];

  constructor(options: ProcessorPoolOptions) {
    this.#options = options;
  }

  /**
   * Processes one document; as many calls run at the same time as there are threads.
   * @throws PipeError `document-timeout`, `document-too-large`, `document-unreadable`, `strategy-invalid`.
   */
  async process(document: SourceDocument): Promise<ProcessedDocument> {
    while (this.#idle.length === 0 && this.#busy.size >= (this.#options.threads ?? 1))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const worker = this.#idle.pop() ?? this.#start();
    this.#busy.add(worker);
    try {
      const answer = await this.#ask(worker, document);
      this.#idle.push(worker);
      if ("processed" in answer) return answer.processed;
      throw new PipeError(answer.failure.code, answer.failure.message);
    } finally {
      this.#busy.delete(worker);
      this.#waiting.shift()?.();
    }
  }

  /** Stops the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map((worker) => worker.terminate()));
  }

  #start(): Worker {
    const isSource = import.meta.url.endsWith(".ts");
    const worker = new Worker(new URL(isSource ? "./processor.worker.ts" : "./processor.worker.js", import.meta.url), {
      ...(isSource ? { execArgv: ["--conditions=@pipe/source"] } : {}),
    });
    const { parser, strategy } = this.#options;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    worker.postMessage({ type: "open", settings: { strategy, ...(parser === undefined ? {} : { parser }) } });
    // An idle thread must not keep the process alive.
    worker.unref();
    return worker;
  }

  async #ask(worker: Worker, document: SourceDocument): Promise<ProcessorAnswer> {
    const { timeLimit = 30_000 } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<ProcessorAnswer>();
    const onError = (cause: Error): void =>
      reject(new PipeError("document-unreadable", "A document could not be parsed.", { got: cause.message, cause }));
    const onExit = (): void => reject(new PipeError("document-unreadable", "A parsing thread ended early."));
    const onTime = (): void =>
      reject(
        new PipeError("document-timeout", "A document took too long to parse and was passed over.", {
          expected: `at most ${timeLimit} ms`,
          where: document.path ?? document.id,
          fix: "split it, or leave it out",
        }),
      );
    const timer = setTimeout(onTime, timeLimit);
    worker.once("message", resolve).once("error", onError).once("exit", onExit);
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    worker.postMessage({ type: "process", document });
    try {
      return await promise;
    } catch (error) {
      await worker.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
      worker.off("message", resolve).off("error", onError).off("exit", onExit);
      worker.unref();
    }
  }
}
