import type { IVectorStore, ScoredKey, VectorChange, VectorPosition, VectorSpace } from "@pipe/core";
import { serveHere, startWorker, type Serving } from "../worker-channel.ts";
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
  readonly #serving: Serving<VectorApi>;
  readonly #ready: Promise<void>;

  constructor(options: UsearchVectorStoreOptions = {}) {
    const { worker = true, folder, exactBelow = 20_000, wornShare = 0.25 } = options;
    this.#serving = worker ? startWorker<VectorApi>("vectors/vector.worker") : serveHere(createVectorHost());
    this.#ready = this.#serving.channel.call("open", {
      exactBelow,
      wornShare,
      ...(folder === undefined ? {} : { folder }),
    });
    this.#ready.catch(() => undefined);
  }

  /** @inheritdoc */
  async position(space: VectorSpace): Promise<VectorPosition> {
    await this.#ready;
    return this.#serving.channel.call("position", space);
  }

  /** @inheritdoc */
  apply(space: VectorSpace, change: VectorChange): Promise<void> {
    return this.#serving.channel.call("apply", space, change);
  }

  /** @inheritdoc */
  search(space: VectorSpace, query: Float32Array, limit: number): Promise<readonly ScoredKey[]> {
    return this.#serving.channel.call("search", space, query, limit);
  }

  /** @inheritdoc */
  flush(): Promise<void> {
    return this.#serving.channel.call("flush");
  }

  /** @inheritdoc */
  drop(space: VectorSpace): Promise<void> {
    return this.#serving.channel.call("drop", space);
  }

  /** Ends its thread; what was not flushed is given again next time. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#serving.channel.close("The index was closed.");
    await this.#serving.stop();
  }
}
