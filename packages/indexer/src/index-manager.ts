import { resolve } from "node:path";
import { PipeError } from "@pipe/core";
import { createIndexHost, type IndexApi } from "./index-host.ts";
import type { RepairReport } from "./store/repair.ts";
import type { IndexVerification } from "./store/verify.ts";
import { serveHere, startWorker, type Serving, type WorkerChannel } from "./worker-channel.ts";

/** Where an index lies and how it is opened. */
export type IndexManagerOptions = {
  readonly folder: string;
  /** Whether to make it where it is not there; default true. */
  readonly create?: boolean;
  /** Whether SQLite works in threads of its own; default true. Without, short programs start sooner. */
  readonly worker?: boolean;
};

type Answer<M extends keyof IndexApi> = Promise<Awaited<ReturnType<IndexApi[M]>>>;

/** Calls what its index serves, as the only writer. */
export type IndexWrite = WorkerChannel<IndexApi>["call"];

/** Megabytes for what is short-lived: words of passages die young. */
const youngMegabytes = 64;
/** Documents of an import that one transaction takes. */
const importSize = 64;

/**
 * The store of an index: one SQLite file in WAL mode that alone decides what is in the index. A thread works with it, and
 * a second one reads as soon as something is asked while the first one writes, so that searches wait neither for a writer nor
 * hold up the calling thread; other processes read at the same time.
 */
export class IndexManager implements AsyncDisposable {
  /** Absolute. */
  readonly folder: string;
  readonly #worker: boolean;
  readonly #main: Serving<IndexApi>;
  #reader: Promise<Serving<IndexApi>> | undefined;
  /** Calls of writers that are under way. */
  #writes = 0;
  #open = true;

  private constructor(folder: string, worker: boolean, main: Serving<IndexApi>) {
    this.folder = folder;
    this.#worker = worker;
    this.#main = main;
  }

  /**
   * Opens the index of a folder.
   * @throws PipeError `index-missing` (only with `create: false`), `index-foreign`, `index-newer`, `index-older`, `index-damaged`.
   */
  static async open({ folder, create = true, worker = true }: IndexManagerOptions): Promise<IndexManager> {
    const absolute = resolve(folder);
    return new IndexManager(absolute, worker, await opened(worker, absolute, create));
  }

  /** Asks something that changes nothing. @throws PipeError `index-closed`, and what it throws. */
  read<M extends keyof IndexApi>(method: M, ...args: Parameters<IndexApi[M]>): Answer<M> {
    if (this.#writes > 0) this.#reader ??= this.#openReader();
    if (this.#reader === undefined) return this.#main.channel.call(method, ...args);
    return this.#reader.then(({ channel }) => channel.call(method, ...args));
  }

  /**
   * Does something as the only writer.
   * @param purpose what others are told that this one does.
   * @throws PipeError `index-busy` where somebody else writes; it names the process.
   */
  async writing<T>(purpose: string, body: (write: IndexWrite) => Promise<T>): Promise<T> {
    if (!this.#open) throw new PipeError("index-closed", "The index was closed.");
    const { channel } = this.#main;
    await channel.call("lock", purpose);
    const write: IndexWrite = (method, ...args) => {
      this.#writes++;
      return channel.call(method, ...args).finally(() => {
        this.#writes--;
      });
    };
    try {
      return await body(write);
    } finally {
      await channel.call("unlock").catch(() => undefined);
    }
  }

  /** Checks everything against its checksums, and that all passages are found. */
  verify(): Promise<IndexVerification> {
    return this.read("verify");
  }

  /**
   * Mends the index of a folder, opened or not: drops what is damaged so that the next indexing makes it again, and
   * indexes all words anew. A file that is no sound database is replaced and kept as `index.sqlite.damaged`.
   * @throws PipeError `index-busy`, `index-missing`, `index-not-written`.
   */
  static async repair(folder: string, options: { readonly worker?: boolean } = {}): Promise<RepairReport> {
    const serving = connect(options.worker ?? true);
    try {
      return await serving.channel.call("repair", resolve(folder));
    } finally {
      await close(serving);
    }
  }

  /** Merges the words, forgets what was removed and gives free space back. @throws PipeError `index-busy`, `index-not-written`. */
  compact(): Promise<void> {
    return this.writing("compacting", (write) => write("compact"));
  }

  /** Everything as lines of JSON, without their line ends: a head, then one document a line, vectors included. */
  async *export(): AsyncGenerator<string> {
    for (let after: number | undefined = 0; after !== undefined;) {
      const part: Awaited<ReturnType<IndexApi["exported"]>> = await this.read("exported", after, importSize);
      yield* part.lines;
      after = part.next;
    }
  }

  /**
   * Stores the lines of an export, each document in place of its older version.
   * @returns how many documents were stored.
   * @throws PipeError `import-invalid` with the number of the line, `index-busy`, `index-not-written`.
   */
  import(lines: AsyncIterable<string> | Iterable<string>): Promise<number> {
    return this.writing("importing", async (write) => {
      let waiting: string[] = [];
      let [first, stored] = [1, 0];
      const store = async (): Promise<void> => {
        stored += await write("imported", waiting, first);
        first += waiting.length;
        waiting = [];
      };
      for await (const line of lines) {
        waiting.push(line);
        if (waiting.length === importSize) await store();
      }
      if (waiting.length > 0 || first === 1) await store();
      return stored;
    });
  }

  /** Closes the file and ends the threads; a second call does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await close(this.#main);
    const reader = await this.#reader?.catch(() => undefined);
    if (reader !== undefined) await close(reader);
  }

  async #openReader(): Promise<Serving<IndexApi>> {
    try {
      return await opened(this.#worker, this.folder, false);
    } catch (error) {
      this.#reader = undefined;
      throw error;
    }
  }
}

async function opened(worker: boolean, folder: string, create: boolean): Promise<Serving<IndexApi>> {
  const serving = connect(worker);
  try {
    await serving.channel.call("open", folder, create);
    return serving;
  } catch (error) {
    await close(serving);
    throw error;
  }
}

function connect(worker: boolean): Serving<IndexApi> {
  return worker
    ? startWorker<IndexApi>("index", { maxYoungGenerationSizeMb: youngMegabytes })
    : serveHere(createIndexHost());
}

async function close({ channel, stop }: Serving<IndexApi>): Promise<void> {
  await channel.call("close").catch(() => undefined);
  channel.close("The index was closed.");
  await stop();
}
