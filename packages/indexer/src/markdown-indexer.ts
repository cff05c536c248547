import { setImmediate } from "node:timers/promises";
import {
  type IDocumentIndexer,
  type IEmbedder,
  type IndexOptions,
  type IndexReport,
  type IndexStatus,
  messageOf,
  PipeError,
  type Retrieval,
  type RetrieveOptions,
  type SearchHit,
  type SearchOptions,
  type SourceDocument,
} from "@pipe/core";
import { DocumentProcessor, type ProcessedDocument } from "./document-processor.ts";
import { embedChecked, embedMissing } from "./embed-missing.ts";
import { fuse } from "./fusion.ts";
import { IndexManager, type ScoredChunk, type StoredChunk } from "./index-manager.ts";
import type { IndexingStrategy } from "./indexing-strategy.ts";
import { MarkdownParser } from "./markdown-parser.ts";
import { nearest } from "./nearest.ts";
import { gather } from "./passages.ts";
import { SectionStrategy } from "./section-strategy.ts";
import { snippet } from "./snippet.ts";
import { anyOf, wordsOf } from "./words.ts";

/** Share of meaning in hybrid search. */
const vectorWeight = 0.5;
/** Passages that each side of a hybrid search ranks, at least. */
const candidates = 100;
/** Documents that one transaction stores. */
const transactionSize = 32;

/** Where an index lies and what it is made with. */
export type MarkdownIndexerOptions = {
  /** Folder of the index; it holds one SQLite file. */
  readonly folder: string;
  /** Makes vectors; without it the index searches by words. */
  readonly embedder?: IEmbedder;
  /** Cuts documents into passages; default `SectionStrategy` of 256 tokens. */
  readonly strategy?: IndexingStrategy;
  /** Whether to make the index where it is not there; default true. */
  readonly create?: boolean;
};

/** Indexes markdown documents and searches them by words and by meaning. */
export class MarkdownIndexer implements IDocumentIndexer, AsyncDisposable {
  readonly #store: IndexManager;
  readonly #processor: DocumentProcessor;
  readonly #embedder: IEmbedder | undefined;

  /** @param parts made by {@link MarkdownIndexer.open}, or your own. */
  constructor(parts: { store: IndexManager; processor: DocumentProcessor; embedder?: IEmbedder }) {
    this.#store = parts.store;
    this.#processor = parts.processor;
    this.#embedder = parts.embedder;
  }

  /**
   * Opens the index of a folder.
   * @throws PipeError `index-missing` (only with `create: false`), `index-foreign`, `index-newer`, `index-damaged`.
   */
  // oxlint-disable-next-line typescript/require-await -- opening may take its time in a later version
  static async open(options: MarkdownIndexerOptions): Promise<MarkdownIndexer> {
    const { folder, embedder, strategy = new SectionStrategy(), create = true } = options;
    const processor = new DocumentProcessor({ parser: new MarkdownParser(), strategy });
    const store = new IndexManager({ folder, create });
    return new MarkdownIndexer({ store, processor, ...(embedder === undefined ? {} : { embedder }) });
  }

  /**
   * Adds and replaces documents; those whose text is unchanged are passed over. Then every passage that has no vector of
   * the embedder's present space gets one, so that an interrupted call or a new step of the model is made good.
   * @throws PipeError `index-closed`, the signal's reason (what was stored before stays), what the stream throws.
   */
  async index(documents: AsyncIterable<SourceDocument>, options: IndexOptions = {}): Promise<IndexReport> {
    const { signal, onProgress, prune = false } = options;
    const seen = new Set<string>();
    const failures = new Map<string, string>();
    const counts = { documents: 0, unchanged: 0, removed: 0, chunks: 0 };
    let waiting: ProcessedDocument[] = [];
    const store = (): void => {
      const batch = waiting;
      waiting = [];
      if (batch.length > 0) this.#store.transaction(() => batch.forEach((document) => this.#store.put(document)));
    };
    try {
      for await (const document of documents) {
        signal?.throwIfAborted();
        counts.documents++;
        seen.add(document.id);
        const processed = this.#process(document, failures);
        if (processed === "unchanged") counts.unchanged++;
        else if (processed !== undefined) {
          waiting.push(processed);
          counts.chunks += processed.chunks.length;
        }
        if (waiting.length >= transactionSize) store();
        onProgress?.({ documents: counts.documents, chunks: counts.chunks });
        await setImmediate();
      }
    } finally {
      store();
    }
    if (prune) counts.removed = this.#store.transaction(() => this.#store.prune(seen));
    if (this.#embedder !== undefined) {
      for (const [id, message] of await embedMissing(this.#store, this.#embedder, signal)) failures.set(id, message);
      this.#store.transaction(() => this.#store.dropOtherSteps(this.#embedder!.space));
    }
    return { ...counts, failures: Array.from(failures, ([id, message]) => ({ id, message })) };
  }

  /**
   * Finds passages, best first. The mode is `hybrid` with an embedder and `lexical` without; a query without a word finds
   * nothing. A hit's `id` is that of its document.
   * @throws PipeError `embedder-missing`, `vectors-missing`, `search-options-invalid`, `index-damaged`, `index-closed`.
   */
  async search(query: string, options: SearchOptions = {}): Promise<readonly SearchHit[]> {
    const words = wordsOf(query);
    const found = await this.#find(query, words, options.limit ?? 10, options);
    return found.map(({ document, path, heading, line, score, text }) => {
      return { id: document, path, heading, line, score, text, snippet: snippet(text, words) };
    });
  }

  /** Finds passages for a prompt and joins neighbours; throws what {@link search} throws. */
  async retrieve(query: string, options: RetrieveOptions = {}): Promise<Retrieval> {
    const { tokens = 1000, limit = 20 } = options;
    return gather(await this.#find(query, wordsOf(query), limit, options), tokens);
  }

  /** Removes documents; ids that are not there are passed over. */
  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async remove(ids: readonly string[]): Promise<void> {
    this.#store.transaction(() => ids.forEach((id) => this.#store.remove(id)));
  }

  /** Counts what the index holds. */
  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async status(): Promise<IndexStatus> {
    return this.#store.status();
  }

  /** Closes the file. */
  // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
  async [Symbol.asyncDispose](): Promise<void> {
    this.#store[Symbol.dispose]();
  }

  #process(document: SourceDocument, failures: Map<string, string>): ProcessedDocument | "unchanged" | undefined {
    try {
      if (this.#store.hashOf(document.id) === this.#processor.hash(document)) return "unchanged";
      return this.#processor.process(document);
    } catch (error) {
      if (PipeError.is(error, "index-closed")) throw error;
      failures.set(document.id, messageOf(error));
      return undefined;
    }
  }

  async #find(
    query: string,
    words: readonly string[],
    limit: number,
    { mode, signal }: SearchOptions,
  ): Promise<(StoredChunk & { score: number })[]> {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new PipeError("search-options-invalid", "A search needs a positive limit.", {
        got: String(limit),
        where: "limit",
      });
    }
    const wanted = mode ?? (this.#embedder === undefined ? "lexical" : "hybrid");
    const embedder = wanted === "lexical" ? undefined : (this.#embedder ?? embedderMissing(wanted));
    if (words.length === 0) return [];
    const depth = wanted === "hybrid" ? Math.max(candidates, limit) : limit;
    const lexical = wanted === "vector" ? [] : this.#store.lexical(anyOf(words), depth);
    const vector = embedder === undefined ? [] : await this.#nearest(query, embedder, depth, wanted, signal);
    const scored = wanted === "lexical" ? lexical : wanted === "vector" ? vector : fuse(lexical, vector, vectorWeight);
    return scored.slice(0, limit).flatMap(({ chunk, score }) => {
      const stored = this.#store.chunk(chunk);
      return stored === undefined ? [] : [{ ...stored, score }];
    });
  }

  async #nearest(
    query: string,
    embedder: IEmbedder,
    limit: number,
    mode: string,
    signal: AbortSignal | undefined,
  ): Promise<ScoredChunk[]> {
    const { space } = embedder;
    const [vector] = await embedChecked(embedder, [query], signal);
    const found = nearest(this.#store.vectors(space), vector!, limit);
    if (mode === "hybrid" || found.length > 0) return found;
    const { chunks, spaces } = this.#store.status();
    if (chunks === 0) return found;
    const name = ({ id, step, dimensions }: IEmbedder["space"]): string =>
      `${id}${step === undefined ? "" : ` at step ${step}`} (${dimensions})`;
    throw new PipeError("vectors-missing", "The index has no vectors of this embedder.", {
      expected: name(space),
      got: spaces.map(name).join(", ") || "no vectors",
      fix: "call index() with this embedder; without documents it embeds what is there",
    });
  }
}

function embedderMissing(mode: string): never {
  throw new PipeError("embedder-missing", `The index was opened without an embedder, which ${mode} search needs.`, {
    fix: "open it with the embedder that made its vectors, or search in mode lexical",
  });
}
