import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { messageOf, PipeError, workerEntry } from "@pipe/core";
import type { EncodingReply } from "./encoding-host.ts";
import type { GptEncoding } from "./gpt-encodings.ts";

/** Which tokens, and in how many threads. */
export type EncodingPoolOptions = { readonly encoding: GptEncoding; readonly threads: number };

/** Turns texts into tokens in other threads; each starts when it is needed and has a table of ranks of its own. */
export class EncodingPool implements AsyncDisposable {
  readonly #options: EncodingPoolOptions;
  readonly #all: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: EncodingPoolOptions) {
    this.#options = options;
  }

  /**
   * The ids of each text; as many calls run at the same time as there are threads, the others wait their turn.
   * @throws PipeError `tokenizer-failed` where a thread ends, as for want of memory.
   */
  async encode(texts: readonly string[]): Promise<readonly Uint32Array[]> {
    const { encoding, threads } = this.#options;
    while (this.#running >= threads) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    const worker = this.#idle.pop() ?? this.#start();
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
      worker.postMessage({ encoding, texts });
      const [{ ids, lengths }] = (await once(worker, "message")) as [EncodingReply];
      this.#idle.push(worker);
      let end = 0;
      return Array.from(lengths, (length) => ids.subarray(end, (end += length)));
    } catch (cause) {
      throw new PipeError("tokenizer-failed", "A thread that turns text into tokens has ended.", {
        got: messageOf(cause),
        fix: "use fewer threads where memory is short",
        cause,
      });
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** Stops the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }

  #start(): Worker {
    const { url, options } = workerEntry(import.meta.url, "encoding");
    const worker = new Worker(url, options);
    // An error is told by who awaits its answer; without a listener an idle thread's would end the process.
    worker.on("error", () => {});
    this.#all.push(worker);
    return worker;
  }
}
