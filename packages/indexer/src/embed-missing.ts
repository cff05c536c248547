import { type IEmbedder, messageOf, PipeError } from "@pipe/core";
import type { IndexManager, PendingChunk } from "./index-manager.ts";

/** Passages that the embedder gets at a time. */
const batchSize = 32;

/**
 * Gives every passage of the index a vector of the embedder's present space. A passage whose embedding fails is left
 * without, and its document is reported.
 *
 * @returns messages by document id.
 */
export async function embedMissing(
  index: IndexManager,
  embedder: IEmbedder,
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const { space } = embedder;
  const failures = new Map<string, string>();
  const embed = (chunks: readonly PendingChunk[]): Promise<readonly Float32Array[]> =>
    embedChecked(
      embedder,
      chunks.map(({ text }) => text),
      signal,
    );
  const store = (chunks: readonly PendingChunk[], vectors: readonly Float32Array[]): void =>
    index.transaction(() =>
      index.putVectors(
        space,
        chunks.map(({ chunk }, at) => ({ chunk, vector: vectors[at]! })),
      ),
    );
  let last = 0;
  for (;;) {
    signal?.throwIfAborted();
    const batch = index.pending(space, last, batchSize);
    if (batch.length === 0) return failures;
    last = batch.at(-1)!.chunk;
    const vectors = await embed(batch).catch(() => undefined);
    if (vectors !== undefined) {
      store(batch, vectors);
      continue;
    }
    // One text may have spoilt the whole batch: each by itself.
    for (const chunk of batch) {
      signal?.throwIfAborted();
      const alone = await embed([chunk]).catch((error: unknown) => void failures.set(chunk.document, messageOf(error)));
      if (alone !== undefined) store([chunk], alone);
    }
  }
}

/** Vectors of texts, checked. @throws PipeError `vector-invalid`, and what the embedder throws. */
export async function embedChecked(
  embedder: IEmbedder,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly Float32Array[]> {
  const { dimensions, id } = embedder.space;
  const vectors = await embedder.embed(texts, signal);
  const valid = (vector: Float32Array): boolean => vector.length === dimensions && vector.every(Number.isFinite);
  if (vectors.length === texts.length && vectors.every(valid)) return vectors;
  const bad = vectors.find((vector) => !valid(vector));
  throw new PipeError("vector-invalid", "The embedder gave no proper vectors.", {
    expected: `${texts.length} vectors of ${dimensions} finite numbers`,
    got:
      bad === undefined
        ? `${vectors.length} vectors`
        : `one of ${bad.length} numbers, ${bad.every(Number.isFinite) ? "all" : "not all"} finite`,
    where: id,
  });
}
