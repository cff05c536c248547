import type { SourceDocument } from "./data.ts";

/** Texts to vectors. */
export interface IEmbedder {
  /** Vectors of different spaces are never compared. */
  readonly space: { readonly id: string; readonly step?: number; readonly dimensions: number };
  /** One vector a text, finite, of `space.dimensions` elements and length 1 (all zeros for a text without tokens). */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

/** How documents are indexed. */
export type IndexOptions = {
  readonly signal?: AbortSignal;
  /** Called after each document. */
  readonly onProgress?: (progress: { documents: number; chunks: number }) => void;
  /** Also remove documents that the stream did not contain; default false. */
  readonly prune?: boolean;
};

/** What an indexing call did. */
export type IndexReport = {
  readonly documents: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly chunks: number;
  /** Documents that could not be indexed. */
  readonly failures: readonly { readonly id: string; readonly message: string }[];
};

/** How to search. */
export type SearchOptions = {
  /** Hits at most; default 10. */
  readonly limit?: number;
  /** Words, meaning, or both; default `hybrid`. */
  readonly mode?: "lexical" | "vector" | "hybrid";
  readonly signal?: AbortSignal;
};

/** One found passage. */
export type SearchHit = {
  readonly id: string;
  readonly path: string;
  /** Headings above the passage, outermost first. */
  readonly heading: readonly string[];
  /** 1-based line of the passage in its file. */
  readonly line: number;
  /** Higher is better; comparable within one result only. */
  readonly score: number;
  readonly text: string;
  /** A short extract around the match. */
  readonly snippet: string;
};

/** How to gather passages. */
export type RetrieveOptions = SearchOptions & {
  /** Approximate size of the result in tokens of 4 characters; default 1,000. */
  readonly tokens?: number;
};

/** Passages for a prompt, each with its citation. */
export type Retrieval = {
  readonly text: string;
  readonly passages: readonly { readonly citation: string; readonly text: string; readonly score: number }[];
};

/** What an index holds. */
export type IndexStatus = {
  readonly documents: number;
  readonly chunks: number;
  readonly vectors: number;
  readonly spaces: readonly { readonly id: string; readonly step?: number; readonly dimensions: number }[];
  readonly bytes: number;
};

/** Indexes documents and searches them. */
export interface IDocumentIndexer {
  index(documents: AsyncIterable<SourceDocument>, options?: IndexOptions): Promise<IndexReport>;
  search(query: string, options?: SearchOptions): Promise<readonly SearchHit[]>;
  retrieve(query: string, options?: RetrieveOptions): Promise<Retrieval>;
  remove(ids: readonly string[]): Promise<void>;
  status(): Promise<IndexStatus>;
}
