import { setImmediate } from "node:timers/promises";
import {
  type IEmbedder,
  type IndexOptions,
  type IndexReport,
  messageOf,
  PipeError,
  type SourceDocument,
} from "@pipe/core";
import type { ProcessedDocument } from "./document-processor.ts";
import { EmbedAlong, type Ready } from "./embed-along.ts";
import { embedMissing } from "./embed-missing.ts";
import type { IndexWrite } from "./index-manager.ts";

/** What one transaction stores at most: documents, passages, and milliseconds of waiting. */
const mostDocuments = 256;
const mostChunks = 1_024;
const longestWait = 1_000;
/** Passages of the first transaction: the sooner it begins, the more is read meanwhile. Each may have twice those of the last. */
const firstChunks = 64;
/** Documents that are looked up at a time, unless their characters are as many as this. */
const lookedUpAtOnce = 32;
const mostCharacters = 1_000_000;
/** The same where none has to be looked up. */
const newAtOnce = 8;
/** Documents that are parsed ahead of the one that is stored next; fewer where time is short. */
const ahead = 64;
const aheadInHaste = 8;

/** What turns documents into passages, here or in other threads: a `DocumentProcessor` or a `ProcessorPool`. */
export type Processing = {
  hash(document: SourceDocument): string;
  process(document: SourceDocument): ProcessedDocument | Promise<ProcessedDocument>;
};

/** Reads a stream of documents into an index: the steps of one `index` call, as its only writer. */
export class IndexDocuments {
  readonly #write: IndexWrite;
  readonly #processor: Processing;
  /** Makes vectors of documents before they are stored; nothing where time is short, as words come first then. */
  readonly #along: EmbedAlong | undefined;
  readonly #options: IndexOptions;
  readonly #collection: string;
  readonly #counts = { documents: 0, unchanged: 0, removed: 0, chunks: 0, embedded: 0 };
  readonly #failures = new Map<string, string>();
  readonly #warnings = new Map<string, string>();
  readonly #seen = new Set<string>();
  /** Documents whose id the stream had before: what the index has of it is not what it will have by their turn. */
  readonly #repeated = new WeakSet<SourceDocument>();
  #waiting: Ready[] = [];
  #waitingChunks = 0;
  /** Passages with which the next transaction is due. */
  #dueChunks = firstChunks;
  /** The transaction under way: meanwhile the next documents are read. */
  #storing: Promise<unknown> = Promise.resolve();
  /** Whether no document of the stream is in the index before. */
  #isNew = false;
  #since = performance.now();

  constructor(write: IndexWrite, processor: Processing, embedder: IEmbedder | undefined, options: IndexOptions) {
    this.#write = write;
    this.#processor = processor;
    if (embedder !== undefined && options.embedFor === undefined) {
      this.#along = new EmbedAlong(write, embedder, options.signal, {
        pending: (count) => this.#report(0, count),
        embedded: (count) => void (this.#counts.embedded += count),
      });
    }
    this.#options = options;
    this.#collection = options.collection ?? "default";
  }

  /** Stores what is new or changed; what came before an error or the signal's end stays. */
  async read(documents: AsyncIterable<SourceDocument>): Promise<void> {
    const { signal, embedFor } = this.#options;
    const isHasty = embedFor !== undefined;
    this.#isNew = await this.#write("isEmpty", this.#collection);
    const size = isHasty ? 1 : this.#isNew ? newAtOnce : lookedUpAtOnce;
    const most = isHasty ? aheadInHaste : ahead;
    const underway: Promise<void>[] = [];
    let last = Promise.resolve();
    let [group, characters]: [SourceDocument[], number] = [[], 0];
    // Each is stored as soon as it and those before it are ready; what is read meanwhile is bounded.
    const take = (): void => {
      for (const ready of this.#takeAll(group)) {
        last = last.then(async () => {
          if (signal?.aborted !== true) await this.#add(await ready);
        });
        // Its error is thrown when its turn comes.
        last.catch(() => undefined);
        underway.push(last);
      }
      [group, characters] = [[], 0];
    };
    try {
      for await (const document of documents) {
        signal?.throwIfAborted();
        checkDocument(document);
        this.#counts.documents++;
        if (this.#seen.has(document.id)) this.#repeated.add(document);
        this.#seen.add(document.id);
        this.#report(0, 0);
        group.push(document);
        characters += document.text.length;
        if (group.length < size && characters < mostCharacters) continue;
        take();
        while (underway.length > most) await underway.shift();
        await setImmediate();
      }
    } finally {
      if (signal?.aborted !== true) take();
      await last;
      await this.#store();
      await this.#storing;
    }
    signal?.throwIfAborted();
    for (const [id, message] of this.#options.unreadable ?? []) {
      this.#seen.add(id);
      this.#failures.set(id, message);
    }
  }

  /** Removes documents of the collection that the stream did not have, and failures of such ones. */
  async prune(): Promise<void> {
    const known = await this.#write("knownIds", this.#collection);
    const gone = known.filter((id) => !this.#seen.has(id));
    if (gone.length > 0) this.#counts.removed = await this.#write("remove", this.#collection, gone);
  }

  /** Gives vectors to all passages of the index that lack one. @returns whether none is missing now. */
  async embed(embedder: IEmbedder): Promise<boolean> {
    const before = this.#counts.embedded;
    const { signal, embedFor } = this.#options;
    const tell = (done: number, pending: number): void => {
      if (pending > 0 || done > 0) this.#report(before + done, pending);
    };
    const { embedded, failures, rest } = await embedMissing(this.#write, embedder, signal, tell, embedFor);
    this.#counts.embedded += embedded;
    for (const { collection, id, message } of failures) {
      if (collection === this.#collection) this.#failures.set(id, message);
      else await this.#write("fail", collection, [{ id, message }]);
    }
    return failures.length === 0 && !rest;
  }

  /** Notes what failed, forgets what failed before and is all right now, and says what was done. */
  async finish(): Promise<IndexReport> {
    const failures = Array.from(this.#failures, ([id, message]) => ({ id, message }));
    if (failures.length > 0) await this.#write("fail", this.#collection, failures);
    const { failures: noted } = await this.#write("status");
    const mended = noted
      .filter(({ collection, id }) => collection === this.#collection && this.#seen.has(id) && !this.#failures.has(id))
      .map(({ id }) => id);
    if (mended.length > 0) await this.#write("succeed", this.#collection, mended);
    return { ...this.#counts, failures, warnings: Array.from(this.#warnings, ([id, message]) => ({ id, message })) };
  }

  /** Documents that are being made ready, looked up together. */
  #takeAll(documents: readonly SourceDocument[]): Promise<Ready | undefined>[] {
    if (documents.length === 0) return [];
    const ids = documents.map(({ id }) => id);
    const hashes = this.#isNew ? Promise.resolve([]) : this.#write("hashes", this.#collection, ids);
    return documents.map((document, at) => {
      const ready = this.#take(
        document,
        hashes.then((known) => known[at]),
      );
      // Its error is thrown when its turn comes.
      ready.catch(() => undefined);
      return ready;
    });
  }

  /** A document ready to be stored; nothing where it is unchanged, or failed. */
  async #take(document: SourceDocument, stored: Promise<string | undefined>): Promise<Ready | undefined> {
    const { id } = document;
    try {
      const known = await stored;
      const isRepeated = this.#repeated.has(document);
      if (!isRepeated && known === this.#processor.hash(document)) {
        this.#counts.unchanged++;
        return undefined;
      }
      const processed = await this.#processor.process(document);
      if (processed.warning === undefined) this.#warnings.delete(id);
      else this.#warnings.set(id, processed.warning);
      return { document: processed, replaces: isRepeated || known !== undefined };
    } catch (error) {
      if (PipeError.is(error) && error.code.startsWith("index-")) throw error;
      this.#failures.set(id, messageOf(error));
      return undefined;
    }
  }

  /** Stores a document with the next transaction. */
  async #add(ready: Ready | undefined): Promise<void> {
    if (ready !== undefined) {
      const { length } = ready.document.chunks;
      this.#waiting.push(ready);
      this.#waitingChunks += length;
      this.#counts.chunks += length;
    }
    const isDue =
      this.#waiting.length >= mostDocuments ||
      this.#waitingChunks >= this.#dueChunks ||
      performance.now() - this.#since > longestWait;
    if (isDue) await this.#store();
  }

  async #store(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingChunks = 0;
    this.#since = performance.now();
    if (waiting.length === 0) return;
    this.#dueChunks = Math.min(2 * this.#dueChunks, mostChunks);
    const vectors = await this.#along?.vectorsOf(waiting);
    await this.#storing;
    const documents = waiting.map(({ document }) => document);
    this.#storing = this.#write("put", this.#collection, documents, vectors === undefined ? [] : [vectors]);
    // Its error is thrown when its turn comes.
    this.#storing.catch(() => undefined);
  }

  #report(embedded: number, pending: number): void {
    const { documents, chunks } = this.#counts;
    this.#options.onProgress?.({ documents, chunks, embedded: Math.max(embedded, this.#counts.embedded), pending });
  }
}

/** @throws PipeError `document-invalid`; programs without types give anything. */
function checkDocument(document: { readonly id: unknown; readonly text: unknown }): void {
  if (typeof document.id === "string" && typeof document.text === "string") return;
  throw new PipeError("document-invalid", "A document to be indexed needs an id and a text.", {
    expected: "{ id: string, text: string }",
    got: `id: ${typeof document.id}, text: ${typeof document.text}`,
  });
}
