import { join } from "node:path";
import {
  definedOnly,
  type IDocumentIndexer,
  type IEmbedder,
  type IndexedDocument,
  type IndexOptions,
  type IndexReport,
  type IndexStatus,
  type IReranker,
  type IVectorStore,
  PipeError,
  type Retrieval,
  type RetrieveOptions,
  type SearchHit,
  type SearchOptions,
  type SourceDocument,
} from "@pipe/core";
import { DocumentProcessor } from "./document-processor.ts";
import { IndexDocuments, type Processing } from "./index-documents.ts";
import { IndexManager } from "./index-manager.ts";
import { IndexingStrategy } from "./indexing-strategy.ts";
import { MarkdownParser } from "./markdown-parser.ts";
import { processorOf } from "./processor-host.ts";
import { ProcessorPool } from "./processor-pool.ts";
import { type FoundChunk, HybridSearch } from "./search/hybrid-search.ts";
import { teachWeight } from "./search/teach-weight.ts";
import { gather } from "./search/passages.ts";
import { snippetOf } from "./search/snippet.ts";
import { VectorSearch } from "./search/vector-search.ts";
import type { StrategyConfig } from "./strategies.ts";
import { UsearchVectorStore } from "./vectors/usearch-vector-store.ts";

/** A document as it was indexed, for asking whether its file is still that. */
export type IndexedVersion = {
  readonly path: string;
  readonly collection: string;
  /** SHA-256 of its text, in hex. */
  readonly sha256: string;
};

/** Where an index lies and what it is made with. */
export type MarkdownIndexerOptions = {
  /** Folder of the index. */
  readonly folder: string;
  /** Makes vectors; without it the index searches by words. */
  readonly embedder?: IEmbedder | undefined;
  /**
   * Cuts documents into passages; default `{ kind: "section" }`. With a built-in strategy, as plain data, what may take long
   * is parsed in a thread of its own; one that is your own works in the calling thread, without a time limit.
   */
  readonly strategy?: StrategyConfig | IndexingStrategy | undefined;
  /** Milliseconds that parsing one document may take in its thread; a longer one is a failure. Default 30,000. */
  readonly timeLimit?: number;
  /** Finds near vectors; default {@link UsearchVectorStore} in the index's folder. It is disposed with the indexer. */
  readonly vectors?: IVectorStore;
  /** Orders the best passages anew. */
  readonly reranker?: IReranker;
  /** Says whether a document's file is another one now; hits are marked then. */
  readonly isChanged?: (version: IndexedVersion) => boolean | Promise<boolean>;
  /** Whether to make the index where it is not there; default true. */
  readonly create?: boolean;
  /** Whether to work in threads of its own; default true. Without, short programs start sooner. */
  readonly worker?: boolean;
};

/** Indexes markdown documents and searches them by words and by meaning. */
export class MarkdownIndexer implements IDocumentIndexer, AsyncDisposable {
  /** The store: `verify`, `compact`, `export`, `import`. */
  readonly store: IndexManager;
  readonly #processor: Processing & Partial<AsyncDisposable>;
  readonly #embedder: IEmbedder | undefined;
  readonly #vectorStore: IVectorStore | undefined;
  readonly #vectors: VectorSearch | undefined;
  readonly #search: HybridSearch;
  readonly #isChanged: MarkdownIndexerOptions["isChanged"];

  private constructor(store: IndexManager, options: MarkdownIndexerOptions) {
    const { embedder, reranker, worker = true } = options;
    this.store = store;
    this.#processor = processingOf(options);
    this.#embedder = embedder;
    this.#isChanged = options.isChanged;
    if (embedder !== undefined) {
      this.#vectorStore = options.vectors ?? new UsearchVectorStore({ folder: join(store.folder, "graphs"), worker });
      this.#vectors = new VectorSearch(store, this.#vectorStore);
    }
    this.#search = new HybridSearch({ index: store, vectors: this.#vectors, embedder, reranker });
  }

  /**
   * Opens the index of a folder.
   * @throws PipeError `index-missing` (only with `create: false`), `index-foreign`, `index-newer`, `index-older`, `index-damaged`,
   *   `strategy-invalid`.
   */
  static async open(options: MarkdownIndexerOptions): Promise<MarkdownIndexer> {
    const { folder, create = true, worker = true } = options;
    const store = await IndexManager.open({ folder, create, worker });
    try {
      return new MarkdownIndexer(store, options);
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Adds and replaces documents; those whose text is unchanged are passed over, and of a changed one only the passages
   * that changed are embedded. Then every passage that has no vector of the embedder's present space gets one, so that an
   * interrupted call or a new step of the model is made good; vectors of older steps go when all have their new one.
   * @throws PipeError `index-busy` where somebody else writes, `index-not-written`, `index-closed`, `document-invalid`, the signal's reason
   *   (what was stored before stays), what the stream throws.
   */
  index(documents: AsyncIterable<SourceDocument>, options: IndexOptions = {}): Promise<IndexReport> {
    return this.store.writing("indexing", async (write) => {
      const work = new IndexDocuments(write, this.#processor, this.#embedder, options);
      await work.read(documents);
      if (options.prune === true) await work.prune();
      if (this.#embedder !== undefined) {
        const { space } = this.#embedder;
        const isWhole = await work.embed(this.#embedder);
        if (isWhole) await this.#vectors!.drop(await write("dropOtherSteps", space));
        // Where time is short, the store is brought up by whoever searches.
        if (options.embedFor === undefined) {
          const { vectors } = await write("spaceState", space);
          if (vectors >= (this.#vectorStore!.keepsFrom ?? 0)) await this.#vectors!.settle(space);
          await teachWeight(this.store, write, this.#vectors!, this.#embedder, options.signal);
        }
      }
      return work.finish();
    });
  }

  /**
   * Finds passages, best first. The mode is `hybrid` with an embedder and `lexical` without; a query without a word finds
   * nothing. A hit's `id` is that of its document.
   * @throws PipeError `embedder-missing`, `vectors-missing`, `search-options-invalid`, `document-missing`,
   *   `usearch-missing`, `index-damaged`, `index-closed`.
   */
  async search(query: string, options: SearchOptions = {}): Promise<readonly SearchHit[]> {
    const found = await this.#search.find(query, options);
    const changed = new Map<string, boolean>();
    for (const each of found) {
      const key = `${each.collection}\n${each.path}`;
      if (!changed.has(key)) changed.set(key, await this.#hasChanged(each));
    }
    return found.map((each) => hitOf(each, changed.get(`${each.collection}\n${each.path}`)!));
  }

  /** Finds passages for a prompt, adds their neighbours and joins what belongs together; throws what {@link search} throws. */
  async retrieve(query: string, options: RetrieveOptions = {}): Promise<Retrieval> {
    const { tokens = 1000, limit = 20, neighbours = 1 } = options;
    if (!(tokens >= 1)) {
      const details = { got: String(tokens), where: "tokens" };
      throw new PipeError("search-options-invalid", "A retrieval needs a positive number of tokens.", details);
    }
    const found = await this.#search.find(query, { ...options, limit });
    const around = await this.store.read(
      "places",
      found.map(({ collection, document, place }) => {
        return { collection, document, from: place - neighbours, to: place + neighbours };
      }),
    );
    const near = around.flatMap((chunks, at) => {
      const { place, score } = found[at]!;
      const distance = (chunk: { place: number }): number => Math.abs(chunk.place - place);
      return chunks.sort((a, b) => distance(a) - distance(b)).map((chunk) => ({ ...chunk, score }));
    });
    return gather(found, near, tokens);
  }

  /** A whole document by its path or id. */
  get(pathOrId: string, collection?: string): Promise<IndexedDocument | undefined> {
    return this.store.read("document", pathOrId, collection);
  }

  /** Removes documents; ids that are not there are passed over. @throws PipeError `index-busy`, `index-closed`. */
  async remove(ids: readonly string[], collection = "default"): Promise<void> {
    await this.store.writing("removing documents", (write) => write("remove", collection, ids));
  }

  /** Counts what the index holds, and names what failed. */
  status(): Promise<IndexStatus> {
    return this.store.read("status");
  }

  /** Closes the files and ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processor[Symbol.asyncDispose]?.();
    await this.#vectorStore?.[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }

  async #hasChanged({ path, collection, documentContent: sha256 }: FoundChunk): Promise<boolean> {
    return (await this.#isChanged?.({ path, collection, sha256 })) ?? false;
  }
}

function processingOf(options: MarkdownIndexerOptions): Processing {
  const { strategy = { kind: "section" }, timeLimit, worker = true } = options;
  if (strategy instanceof IndexingStrategy) return new DocumentProcessor({ parser: new MarkdownParser(), strategy });
  return worker ? new ProcessorPool({ strategy, ...definedOnly({ timeLimit }) }) : processorOf({ strategy });
}

function hitOf(found: FoundChunk, changed: boolean): SearchHit {
  const { document, path, collection, title, heading, line, score, text, same, older, explain } = found;
  const stale =
    older === undefined && !changed
      ? undefined
      : { ...definedOnly({ step: older?.step }), ...(changed ? { changed } : {}) };
  return {
    id: document,
    path,
    collection,
    ...definedOnly({ title }),
    heading,
    line,
    score,
    text,
    ...snippetOf(text, found.terms),
    ...(same.length === 0 ? {} : { same }),
    ...definedOnly({ stale, explain }),
  } as SearchHit;
}
