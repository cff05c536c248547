import type { Json } from "../json.ts";
import type { HostArray, TensorSpec } from "./tensors.ts";

/** A position in a stream, as plain data that its maker understands. */
export type Cursor = Json;

/** One document as text. */
export type SourceDocument = {
  /** Unique and stable within its source. */
  readonly id: string;
  readonly text: string;
  /** File path relative to the source's root, with `/`. */
  readonly path?: string;
  readonly metadata?: Json;
  /** Where to go on after this document. */
  readonly cursor: Cursor;
};

/** What a source is made of. */
export type SourceInfo = {
  readonly kind: string;
  /** The place it reads, for people. */
  readonly location: string;
  readonly files: number;
  readonly bytes: number;
  /** Changes when the content changes. */
  readonly fingerprint: string;
};

/** A stream of documents that can be entered again at a cursor. */
export interface IDataSource {
  documents(from?: Cursor): AsyncIterable<SourceDocument>;
  describe(): Promise<SourceInfo>;
}

/** Text to token ids and back. */
export interface ITokenizer {
  /** Names the vocabulary, as in `gpt:r50k_base`. */
  readonly id: string;
  /** Number of ids, special ones included. */
  readonly vocabulary: number;
  readonly endOfText?: number;
  /** UTF-8 bytes of each id's text, 0 for special tokens. */
  readonly byteLengths: Uint16Array;
  /** Special-token text inside `text` is plain text. @throws PipeError `token-unknown` where the vocabulary lacks a character. */
  encode(text: string): Uint32Array;
  /** Special tokens become nothing. @throws PipeError `token-unknown` for an id outside the vocabulary. */
  decode(ids: ArrayLike<number>): string;
  /** Decodes a stream: text comes as soon as whole characters are known. */
  decoder(): { push(id: number): string; end(): string };
  /** The contents of `tokenizer.json`. */
  file(): string;
}

/** Tokens [begin, end) of a shard. */
export type DocumentRef = {
  readonly id: string;
  readonly shard: number;
  readonly begin: number;
  readonly end: number;
};

/** One batch in host memory. */
export type Batch = {
  /** Keyed like {@link IBatchLoader.specs}. */
  readonly arrays: { readonly [name: string]: HostArray };
  /** Targets with weight. */
  readonly tokens: number;
  /** Where to go on after this batch. */
  readonly cursor: Cursor;
  /** Passes over the data finished with this batch; default 0. */
  readonly epoch?: number;
  /** Documents that it touches. */
  readonly documents: readonly DocumentRef[];
};

/** Batches of fixed shapes; the last is padded with weight 0. */
export interface IBatchLoader extends AsyncDisposable {
  /** The keys are those of the model's batch. */
  readonly specs: { readonly [name: string]: TensorSpec };
  /** From a cursor on; ends with the epoch or split unless the loader was made to repeat. */
  batches(from?: Cursor): AsyncIterable<Batch>;
  /** The exact text of a document. */
  text(document: DocumentRef): Promise<string>;
}
