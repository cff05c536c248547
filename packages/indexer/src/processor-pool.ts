import { messageOf, PipeError, type SourceDocument } from "@pipe/core";
import type { DocumentProcessor, ProcessedDocument } from "./document-processor.ts";
import { type ProcessorApi, processorOf, type ProcessorSettings } from "./processor-host.ts";
import { type Serving, startWorker } from "./worker-channel.ts";

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
export class ProcessorPool implements AsyncDisposable {
  readonly #options: ProcessorPoolOptions;
  readonly #here: DocumentProcessor;
  readonly #idle: Serving<ProcessorApi>[] = [];
  readonly #busy = new Set<Serving<ProcessorApi>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @throws PipeError `strategy-invalid`. */
  constructor(options: ProcessorPoolOptions) {
    this.#options = options;
    this.#here = processorOf(options);
  }

  /** A hash over text, path and strategy: equal hashes need no new processing. Computed in this thread. */
  hash(document: SourceDocument): string {
    return this.#here.hash(document);
  }

  /**
   * Processes one document; as many calls run at the same time as there are threads, the others wait their turn.
   * @throws PipeError `document-timeout`, `document-too-large`, `document-unreadable`.
   */
  async process(document: SourceDocument): Promise<ProcessedDocument> {
    const { threads = 1 } = this.#options;
    while (this.#running >= threads) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    const serving = this.#idle.pop() ?? startWorker<ProcessorApi>("processor.worker");
    this.#busy.add(serving);
    try {
      const processed = await this.#ask(serving, document);
      this.#idle.push(serving);
      return processed;
    } catch (error) {
      // A document's own error leaves the thread as it was.
      if (PipeError.is(error, "document-too-large")) this.#idle.push(serving);
      else await serving.stop();
      throw error;
    } finally {
      this.#busy.delete(serving);
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** Stops the threads; documents under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map(({ stop }) => stop()));
  }

  async #ask({ channel }: Serving<ProcessorApi>, document: SourceDocument): Promise<ProcessedDocument> {
    const { parser, strategy, timeLimit = 30_000 } = this.#options;
    const where = document.path ?? document.id;
    const late = Promise.withResolvers<never>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      // The time that a thread takes to start is not the document's.
      await channel.call("open", { strategy, ...(parser === undefined ? {} : { parser }) });
      const expected = `at most ${timeLimit} ms`;
      timer = setTimeout(() => {
        const summary = "A document took too long to parse and was passed over.";
        late.reject(new PipeError("document-timeout", summary, { expected, where, fix: "split it, or leave it out" }));
      }, timeLimit);
      return await Promise.race([channel.call("process", document), late.promise]);
    } catch (error) {
      if (PipeError.is(error) && error.code.startsWith("document-")) throw error;
      const got = messageOf(error);
      throw new PipeError("document-unreadable", "A document could not be parsed.", { got, where, cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}
