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

/** Documents of an import that one transaction takes. */
const importSize = 64;

/**
 * The store of an index: one SQLite file in WAL mode that alone decides what is in the index. A thread reads and another
 * one writes, so that searches wait neither for a writer nor hold up this thread; other processes read at the same time.
 */
export class IndexManager implements AsyncDisposable {
  /** Absolute. */
  readonly folder: string;
  /** Asks the reading connection. */
  readonly read: WorkerChannel<IndexApi>["call"];
  readonly #worker: boolean;
  readonly #reader: Serving<IndexApi>;
  #writer: Promise<Serving<IndexApi>> | undefined;
  #open = true;

  private constructor(folder: string, worker: boolean, reader: Serving<IndexApi>) {
    this.folder = folder;
    this.#worker = worker;
    this.#reader = reader;
    this.read = reader.channel.call.bind(reader.channel) as typeof this.read;
  }

  /**
   * Opens the index of a folder.
   * @throws PipeError `index-missing` (only with `create: false`), `index-foreign`, `index-newer`, `index-older`, `index-damaged`.
   */
  static async open({ folder, create = true, worker = true }: IndexManagerOptions): Promise<IndexManager> {
    const absolute = resolve(folder);
    const reader = connect(worker);
    try {
      await reader.channel.call("open", absolute, create);
    } catch (error) {
      await close(reader);
      throw error;
    }
    return new IndexManager(absolute, worker, reader);
  }

  /**
   * Does something as the only writer.
   * @param purpose what others are told that this one does.
   * @throws PipeError `index-busy` where somebody else writes; it names the process.
   */
  async writing<T>(purpose: string, body: (write: WorkerChannel<IndexApi>["call"]) => Promise<T>): Promise<T> {
    if (!this.#open) throw new PipeError("index-closed", "The index was closed.");
    const { channel } = await this.#openWriter();
    await channel.call("lock", purpose);
    try {
      return await body(channel.call.bind(channel) as WorkerChannel<IndexApi>["call"]);
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
      if (waiting.length > 0) await store();
      return stored;
    });
  }

  /** Closes the file and ends the threads; a second call does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await close(this.#reader);
    const writer = await this.#writer?.catch(() => undefined);
    if (writer !== undefined) await close(writer);
  }

  #openWriter(): Promise<Serving<IndexApi>> {
    this.#writer ??= (async () => {
      const writer = connect(this.#worker);
      try {
        await writer.channel.call("open", this.folder, true);
        return writer;
      } catch (error) {
        this.#writer = undefined;
        await close(writer);
        throw error;
      }
    })();
    return this.#writer;
  }
}

function connect(worker: boolean): Serving<IndexApi> {
  return worker ? startWorker<IndexApi>("index.worker") : serveHere(createIndexHost());
}

async function close({ channel, stop }: Serving<IndexApi>): Promise<void> {
  await channel.call("close").catch(() => undefined);
  channel.close("The index was closed.");
  await stop();
}
