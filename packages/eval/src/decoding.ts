import type { DeviceTensor, IEngine, IModel } from "@pipe/core";
import { cachedDecoding } from "./cached-decoding.ts";
import { fullDecoding } from "./full-decoding.ts";

/** A model's parameters on its engine. */
export type ModelParams = { readonly [name: string]: DeviceTensor };

/** One or several texts that grow by a token at a time. */
export type DecodingSession = AsyncDisposable & {
  /** Logits [rows, V] after these contexts, none of them empty. */
  read(contexts: readonly (readonly number[])[]): Promise<Float32Array>;
  /** The same for contexts that have one more token each than at the last call. */
  next(contexts: readonly (readonly number[])[]): Promise<Float32Array>;
};

/** Programs that give the logits of next tokens, compiled when they are first needed. */
export type Decoding = AsyncDisposable & {
  open(params: ModelParams, rows: number): DecodingSession;
};

/** Decodes with the model's cache where it has one, else by reading the whole context for each token. */
export function decodingOf(engine: IEngine, model: IModel, positions: number): Decoding {
  const { decoder } = model;
  return decoder === undefined ? fullDecoding(engine, model, positions) : cachedDecoding(engine, decoder, positions);
}

/** Places of the smallest compiled context that holds so many tokens: a power of two, at most all positions. */
export function bucketOf(tokens: number, positions: number): number {
  const SHORTEST = 16;
  return Math.min(positions, Math.max(SHORTEST, 2 ** Math.ceil(Math.log2(tokens))));
}

/** Contexts as one matrix, padded on the right. */
export function padded(contexts: readonly (readonly number[])[], length: number): Int32Array {
  const ids = new Int32Array(contexts.length * length);
  contexts.forEach((context, row) => ids.set(context, row * length));
  return ids;
}
