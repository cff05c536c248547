import type { DocumentRef, IDocumentIndexer, IStage, ModelState, SourceDocument, StepContext } from "@pipe/core";

/** How an index is kept in step with a model in training. */
export type IndexAlongOptions = {
  /** Opens the index, with the first update; its vectors are those of the model that `follow` was told of last. */
  readonly open: () => Promise<IDocumentIndexer & AsyncDisposable>;
  /** What the index works with; disposed with this stage, after the index. */
  readonly parts: AsyncDisposable;
  /** Lends the weights to the embedder until the next call. */
  readonly follow: (state: ModelState) => void;
  /** Documents that are indexed whatever is trained on. */
  readonly documents?: AsyncIterable<SourceDocument>;
  /** Text of a document that was trained on; without it those are not indexed. */
  readonly text?: (document: DocumentRef) => Promise<string>;
  /** Steps between updates. */
  readonly every: number;
  /** Share of the time of steps that updates may take. */
  readonly budget: number;
};

/** The collection of documents that were trained on. */
const collection = "training";
/** Documents that wait for their turn, and that are known, at most; those left out come again with their next batch. */
const mostWaiting = 4_096;
const mostKnown = 100_000;
/** Milliseconds that one update takes at most. */
const longest = 1_000;

/**
 * Indexes between steps: first the words of new documents, then vectors, the oldest first. Every update may take as long as
 * the budget allows for the steps since the last one; what it took beyond that is taken from the next ones, so that the share is kept
 * whatever a document or a batch takes. A failure is a warning; it never ends a run.
 */
export class IndexAlong implements IStage, AsyncDisposable {
  readonly name = "index";
  readonly onError = "warn";
  readonly #options: IndexAlongOptions;
  readonly #source: AsyncIterator<SourceDocument> | undefined;
  readonly #known = new Set<string>();
  readonly #waiting = new Map<string, DocumentRef>();
  #isSourceRead: boolean;
  #indexer: (IDocumentIndexer & AsyncDisposable) | undefined;
  /** When training went on after the last update, and milliseconds that updates may take. */
  #since = performance.now();
  #credit = 0;

  constructor(options: IndexAlongOptions) {
    this.#options = options;
    this.#source = options.documents?.[Symbol.asyncIterator]();
    this.#isSourceRead = this.#source === undefined;
  }

  async run(context: StepContext): Promise<void> {
    const { every, budget, follow } = this.#options;
    const { batch, progress, events, state } = context;
    this.#note(batch.documents);
    if (progress.step % every !== 0) return;
    const now = performance.now();
    this.#credit = Math.min(longest, this.#credit + budget * (now - this.#since));
    this.#since = now;
    if (this.#credit <= 0) return;
    await context.drain();
    const begin = performance.now();
    try {
      follow(state);
      await this.#update(begin + this.#credit, progress.step, events);
    } finally {
      const end = performance.now();
      this.#credit -= end - begin;
      this.#since = end;
    }
  }

  /** Closes the index and frees its parts. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source?.return?.();
    await this.#indexer?.[Symbol.asyncDispose]();
    await this.#options.parts[Symbol.asyncDispose]();
  }

  #note(documents: readonly DocumentRef[]): void {
    if (this.#options.text === undefined) return;
    if (this.#known.size > mostKnown) this.#known.clear();
    for (const document of documents) {
      if (this.#known.has(document.id) || this.#waiting.size >= mostWaiting) continue;
      this.#known.add(document.id);
      this.#waiting.set(document.id, document);
    }
  }

  async #update(deadline: number, step: number, events: StepContext["events"]): Promise<void> {
    const indexer = (this.#indexer ??= await this.#options.open());
    const read: DocumentRef[] = [];
    // Words of new documents take half of the time at most, so that vectors get their share.
    const half = (performance.now() + deadline) / 2;
    let changed = 0;
    if (!this.#isSourceRead) changed += (await indexer.index(this.#fromSource(half), { embedFor: 0 })).documents;
    if (this.#waiting.size > 0) {
      const { documents } = await indexer.index(this.#consumed(half, read), { collection, embedFor: 0 });
      changed += documents;
      if (read.length > 0) events.emit("documents-consumed", { step, documents: read });
    }
    const embedFor = Math.max(1, deadline - performance.now());
    const { embedded } = await indexer.index(none(), { embedFor });
    if (changed + embedded === 0) return;
    const { documents, chunks } = await indexer.status();
    events.emit("index-updated", { step, documents, chunks });
  }

  /** The next documents of the source, until the time is over; at least one. */
  async *#fromSource(until: number): AsyncGenerator<SourceDocument> {
    do {
      const next = await this.#source!.next();
      if (next.done === true) {
        this.#isSourceRead = true;
        return;
      }
      yield next.value;
    } while (performance.now() < until);
  }

  /** What was trained on and is not indexed yet, until the time is over; at least one. */
  async *#consumed(until: number, read: DocumentRef[]): AsyncGenerator<SourceDocument> {
    for (const [id, document] of this.#waiting) {
      this.#waiting.delete(id);
      read.push(document);
      yield { id, path: id, text: await this.#options.text!(document), cursor: null };
      if (performance.now() >= until) return;
    }
  }
}

async function* none(): AsyncGenerator<SourceDocument> {
  // Nothing to read: only vectors are made.
}
