import {
  type IVectorStore,
  PipeError,
  type ScoredKey,
  type VectorChange,
  type VectorPosition,
  type VectorSpace,
} from "@pipe/core";
import { serveHere, startWorker, type Serving, type WorkerChannel } from "../worker-channel.ts";
import { createVectorHost, type VectorApi, type VectorHostOptions } from "./vector-host.ts";

/** Where and how a {@link UsearchVectorStore} works. */
export type UsearchVectorStoreOptions = Partial<VectorHostOptions> & {
  /** Whether to work in a thread of its own; default true. */
  readonly worker?: boolean;
};

/**
 * Finds near vectors without a server: by looking at all of them up to 20,000, with a graph of usearch above that, which
 * is kept in files. A graph file that is damaged in any way counts as none.
 *
 * Its methods throw PipeError `usearch-missing` where a graph is needed and usearch is not installed, `vector-invalid`
 * and `index-closed`.
 */
export class UsearchVectorStore implements IVectorStore {
  /** @inheritdoc */
  readonly keepsFrom: number;
  readonly #options: VectorHostOptions;
  readonly #worker: boolean;
  #serving: Serving<VectorApi> | undefined;
  #open = true;

  constructor(options: UsearchVectorStoreOptions = {}) {
    const { worker = true, folder, exactBelow = 20_000, wornShare = 0.25 } = options;
    this.keepsFrom = exactBelow + 1;
    this.#options = { exactBelow, wornShare, ...(folder === undefined ? {} : { folder }) };
    this.#worker = worker;
  }

  /** @inheritdoc */
  async position(space: VectorSpace): Promise<VectorPosition> {
    return this.#channel().call("position", space);
  }

  /** @inheritdoc */
  async apply(space: VectorSpace, change: VectorChange): Promise<void> {
    return this.#channel().call("apply", space, change);
  }

  /** @inheritdoc */
  async search(space: VectorSpace, query: Float32Array, limit: number): Promise<readonly ScoredKey[]> {
    return this.#channel().call("search", space, query, limit);
  }

  /** @inheritdoc */
  async flush(): Promise<void> {
    return this.#channel().call("flush");
  }

  /** @inheritdoc */
  async drop(space: VectorSpace): Promise<void> {
    return this.#channel().call("drop", space);
  }

  /** Ends its thread; what was not flushed is given again next time. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    await this.#serving?.channel.rest();
    this.#serving?.channel.close("The index was closed.");
    await this.#serving?.stop();
  }

  /** Its thread starts when it is first asked for something: who only indexes a few documents needs none. */
  #channel(): WorkerChannel<VectorApi> {
    if (!this.#open) throw new PipeError("index-closed", "The index was closed.");
    if (this.#serving === undefined) {
      this.#serving = this.#worker ? startWorker<VectorApi>("vectors/vector") : serveHere(createVectorHost());
      // Calls begin in the order in which they come, so that this one comes first.
      void this.#serving.channel.call("open", this.#options);
    }
    return this.#serving.channel;
  }
}
