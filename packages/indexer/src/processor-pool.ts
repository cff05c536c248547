import { availableParallelism } from "node:os";
import { messageOf, PipeError, type SourceDocument } from "@pipe/core";
import type { DocumentProcessor, ProcessedDocument } from "./document-processor.ts";
import { type ProcessorApi, processorOf, type ProcessorSettings } from "./processor-host.ts";
import { type Serving, startWorker } from "./worker-channel.ts";

/** How documents are processed in other threads. */
export type ProcessorPoolOptions = ProcessorSettings & {
  /** Threads at most; each starts when it is needed. Default: the processor's, four at most. */
  readonly threads?: number;
  /** Milliseconds that one document may take; default 30,000. */
  readonly timeLimit?: number;
};

/** A thread, and when it is ready for its first document. */
type Thread = Serving<ProcessorApi> & { readonly ready: Promise<void> };
type Job = {
  readonly document: SourceDocument;
  readonly resolve: (processed: ProcessedDocument) => void;
  readonly reject: (error: unknown) => void;
};

/** Documents that must wait before another thread is started: it takes as long to start as it takes to parse some. */
const worthAThread = 8;
/** Megabytes for what is short-lived: a syntax tree is large, and is better left to die young. */
const youngMegabytes = 64;

/**
 * Parses and cuts documents in worker threads, so that the calling thread stays free, and stops a document that takes too
 * long: time grows faster than length where a text nests deeply.
 */
export class ProcessorPool implements AsyncDisposable {
  readonly #options: ProcessorPoolOptions;
  readonly #here: DocumentProcessor;
  readonly #idle: Thread[] = [];
  readonly #busy = new Set<Thread>();
  readonly #waiting: Job[] = [];

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
   * Processes one document, in this thread where that is quickly done; of all others as many run at the same time as there are
   * threads, and the rest wait their turn.
   * @throws PipeError `document-timeout`, `document-too-large`, `document-unreadable`.
   */
  async process(document: SourceDocument): Promise<ProcessedDocument> {
    try {
      const plain = this.#here.processPlain(document);
      if (plain !== undefined) return plain;
    } catch (error) {
      throw documentError(document, error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ document, resolve, reject });
      this.#dispatch();
    });
  }

  /** Stops the threads; documents under way fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new PipeError("index-closed", "The threads that parse were stopped.");
    for (const { reject } of this.#waiting.splice(0)) reject(closed);
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map(({ stop }) => stop()));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle.pop() ?? this.#another();
      if (thread === undefined) return;
      this.#busy.add(thread);
      void this.#work(thread, this.#waiting.shift()!);
    }
  }

  #another(): Thread | undefined {
    const { threads = Math.min(4, availableParallelism()), parser, strategy } = this.#options;
    const count = this.#busy.size;
    if (count >= threads || (count > 0 && this.#waiting.length < worthAThread)) return undefined;
    const serving = startWorker<ProcessorApi>("processor", { maxYoungGenerationSizeMb: youngMegabytes });
    const ready = serving.channel.call("open", { strategy, ...(parser === undefined ? {} : { parser }) });
    ready.catch(() => undefined);
    return { ...serving, ready };
  }

  async #work(thread: Thread, { document, resolve, reject }: Job): Promise<void> {
    let isSound = true;
    try {
      resolve(await this.#ask(thread, document));
    } catch (error) {
      // A document's own error leaves the thread as it was.
      isSound = PipeError.is(error, "document-too-large");
      reject(error);
    }
    this.#busy.delete(thread);
    if (isSound) this.#idle.push(thread);
    else await thread.stop();
    this.#dispatch();
  }

  async #ask({ channel, ready }: Thread, document: SourceDocument): Promise<ProcessedDocument> {
    const { timeLimit = 30_000 } = this.#options;
    const where = document.path ?? document.id;
    const late = Promise.withResolvers<never>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      // The time that a thread takes to start is not the document's.
      await ready;
      const expected = `at most ${timeLimit} ms`;
      timer = setTimeout(() => {
        const summary = "A document took too long to parse and was passed over.";
        late.reject(new PipeError("document-timeout", summary, { expected, where, fix: "split it, or leave it out" }));
      }, timeLimit);
      const { chunks, ...processed } = await Promise.race([channel.call("outline", document), late.promise]);
      const textOf = ({ begin, end }: { begin: number; end: number }): string => document.text.slice(begin, end);
      return { ...processed, chunks: chunks.map((chunk) => ({ ...chunk, text: textOf(chunk) })) };
    } catch (error) {
      throw documentError(document, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

function documentError({ id, path: where = id }: SourceDocument, cause: unknown): PipeError {
  if (PipeError.is(cause) && cause.code.startsWith("document-")) return cause;
  return new PipeError("document-unreadable", "A document could not be parsed.", {
    got: messageOf(cause),
    where,
    cause,
  });
}
