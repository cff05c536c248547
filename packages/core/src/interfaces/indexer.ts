import type { Json } from "../json.ts";
import type { SourceDocument } from "./data.ts";

/** A space of vectors: those of different spaces are never compared without saying so. */
export type VectorSpace = { readonly id: string; readonly step?: number; readonly dimensions: number };

/** Texts to vectors. */
export interface IEmbedder {
  /** Vectors of different spaces are never compared. */
  readonly space: VectorSpace;
  /** One vector a text, finite, of `space.dimensions` elements and length 1 (all zeros for a text without tokens). */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

/** Orders passages anew by reading each beside the query, as a cross-encoder does. */
export interface IReranker {
  /** Names the model, for explanations. */
  readonly id: string;
  /**
   * One finite score a passage; higher is better, the scale is its own.
   * @param passages each below a line of its headings, where it has some.
   */
  rerank(query: string, passages: readonly string[], signal?: AbortSignal): Promise<readonly number[]>;
}

/** How far an indexing call has come. */
export type IndexProgress = {
  /** Documents read from the stream. */
  readonly documents: number;
  /** Passages of those that were new or changed. */
  readonly chunks: number;
  /** Passages that got a vector, and how many still wait for one; 0 while documents are read. */
  readonly embedded: number;
  readonly pending: number;
};

/** How documents are indexed. */
export type IndexOptions = {
  readonly signal?: AbortSignal;
  /** Called after each document, and after each batch of vectors. */
  readonly onProgress?: (progress: IndexProgress) => void;
  /** Also remove documents of the collection that the stream did not contain; default false. */
  readonly prune?: boolean;
  /** Documents of one name that are searched together; default `default`. */
  readonly collection?: string;
  /**
   * Milliseconds that embedding may take, after which the call ends with the batch at hand; the passages with the oldest
   * vectors come first. Default without end.
   */
  readonly embedFor?: number;
  /** Documents that the stream could not read, with the reason; it may fill this while it runs. They are kept and reported. */
  readonly unreadable?: ReadonlyMap<string, string>;
};

/** What an indexing call did. */
export type IndexReport = {
  readonly documents: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly chunks: number;
  /** Passages that got a vector from the embedder. */
  readonly embedded: number;
  /** Documents that could not be indexed, or not embedded; they are kept for a retry. */
  readonly failures: readonly { readonly id: string; readonly message: string }[];
  /** Documents that were indexed now, but not all of them, such as those whose front matter cannot be read. */
  readonly warnings: readonly { readonly id: string; readonly message: string }[];
};

/** Which passages a search considers; every field that is given must fit. */
export type SearchFilter = {
  /** A glob over paths: `guide/**`, `*.md`. */
  readonly path?: string;
  /** Fields of front matter that must equal, or as a list contain, a value. */
  readonly fields?: { readonly [name: string]: Json };
  /** A heading above the passage, or in it, whole and in any case. */
  readonly heading?: string;
  /** Language of a code block in the passage, as its fence names it. */
  readonly language?: string;
  /** Front matter's date, from this ISO date on, and up to that one. */
  readonly since?: string;
  readonly until?: string;
  readonly collections?: readonly string[];
};

/** How to search. */
export type SearchOptions = {
  /** Hits at most; default 10. */
  readonly limit?: number;
  /** Words, meaning, or both; default `hybrid`. */
  readonly mode?: "lexical" | "vector" | "hybrid";
  readonly filter?: SearchFilter;
  /** How both rankings are joined; default `convex`: scores on one scale. `rank` adds reciprocal ranks. */
  readonly fusion?: "convex" | "rank";
  /** Share of meaning in a convex fusion, from 0 to 1; default what the corpus taught, else 0.6. */
  readonly weight?: number;
  /** Id of a document: finds what is like it and leaves it out; the query may be empty. */
  readonly like?: string;
  /** Also say where each score comes from; default false. */
  readonly explain?: boolean;
  readonly signal?: AbortSignal;
};

/** Where a score comes from; parts that took no part are absent. */
export type SearchExplanation = {
  /** BM25, and what each word gave to it. */
  readonly lexical?: { readonly score: number; readonly words: { readonly [word: string]: number } };
  /** Cosine, and the step of the model that made the passage's vector. */
  readonly vector?: { readonly score: number; readonly step?: number };
  /** How both were joined. */
  readonly fusion?: { readonly kind: "convex" | "rank"; readonly weight: number; readonly score: number };
  readonly rerank?: { readonly model: string; readonly score: number };
};

/** One found passage. */
export type SearchHit = {
  readonly id: string;
  readonly path: string;
  readonly collection: string;
  /** Title of the document, where it has one. */
  readonly title?: string;
  /** Headings above the passage, outermost first. */
  readonly heading: readonly string[];
  /** 1-based line of the passage in its file. */
  readonly line: number;
  /** Higher is better; comparable within one result only. */
  readonly score: number;
  readonly text: string;
  /** A short extract around the match. */
  readonly snippet: string;
  /** Half-open ranges of the snippet where words of the query stand. */
  readonly highlights: readonly (readonly [begin: number, end: number])[];
  /** Where else the same passage stands. */
  readonly same?: readonly { readonly path: string; readonly line: number }[];
  /** Why the hit may be out of date: found by the vector of an older step, or its file has changed. */
  readonly stale?: { readonly step?: number; readonly changed?: true };
  readonly explain?: SearchExplanation;
};

/** How to gather passages. */
export type RetrieveOptions = SearchOptions & {
  /** Approximate size of the result in tokens of 4 characters; default 1,000. */
  readonly tokens?: number;
  /** Passages before and behind each found one that are added while there is room; default 1. */
  readonly neighbours?: number;
};

/** Passages for a prompt, each with its citation. */
export type Retrieval = {
  readonly text: string;
  readonly passages: readonly { readonly citation: string; readonly text: string; readonly score: number }[];
};

/** One whole document of an index. */
export type IndexedDocument = {
  readonly id: string;
  readonly path: string;
  readonly collection: string;
  readonly title?: string;
  /** Front matter, typed. */
  readonly metadata?: Json;
  /** Its passages joined: the document without its front matter. */
  readonly text: string;
};

/** What an index holds. */
export type IndexStatus = {
  readonly documents: number;
  readonly chunks: number;
  readonly vectors: number;
  readonly spaces: readonly (VectorSpace & { readonly vectors: number })[];
  readonly collections: readonly { readonly name: string; readonly documents: number }[];
  /** Documents whose last indexing failed. */
  readonly failures: readonly { readonly id: string; readonly collection: string; readonly message: string }[];
  readonly bytes: number;
};

/** Indexes documents and searches them. */
export interface IDocumentIndexer {
  index(documents: AsyncIterable<SourceDocument>, options?: IndexOptions): Promise<IndexReport>;
  search(query: string, options?: SearchOptions): Promise<readonly SearchHit[]>;
  retrieve(query: string, options?: RetrieveOptions): Promise<Retrieval>;
  /** A document by its path or id, or nothing. */
  get(pathOrId: string, collection?: string): Promise<IndexedDocument | undefined>;
  remove(ids: readonly string[], collection?: string): Promise<void>;
  status(): Promise<IndexStatus>;
}
