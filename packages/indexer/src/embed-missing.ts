import { type IEmbedder, messageOf, PipeError } from "@pipe/core";
import type { IndexWrite } from "./index-manager.ts";
import type { PendingChunk } from "./store/vector-table.ts";
import { allFinite } from "./vectors/check-vector.ts";

/** Passages that the embedder gets at a time. */
const batchSize = 32;
/** The same where the time is bounded, so that it is kept. */
const smallBatch = 8;
/** Passages that are looked up at a time, and for one call where the time is bounded. */
const lookedUpAtOnce = 512;
/** Vectors that one transaction stores, and milliseconds that one waits for it, at most. */
const storedAtOnce = 256;
const longestWait = 1_000;

/** What {@link embedMissing} did: how many passages got a vector, and why documents did not, by collection and id. */
export type EmbedReport = {
  embedded: number;
  failures: { readonly collection: string; readonly id: string; readonly message: string }[];
  /** Whether some were left for the next time. */
  rest: boolean;
};

/**
 * Gives every passage of the index a vector of the embedder's present space. A passage whose embedding fails is left
 * without, and its document is reported.
 */
export async function embedMissing(
  write: IndexWrite,
  embedder: IEmbedder,
  signal: AbortSignal | undefined,
  onProgress: (embedded: number, pending: number) => void,
  /** Milliseconds, after which the rest is left for the next time; the oldest comes first then. */
  time = Infinity,
): Promise<EmbedReport> {
  const { space } = embedder;
  const report: EmbedReport = { embedded: 0, failures: [], rest: false };
  const isBounded = time < Infinity;
  const begin = performance.now();
  const embed = (chunks: readonly PendingChunk[]): Promise<readonly Float32Array[]> =>
    embedChecked(
      embedder,
      chunks.map(({ text }) => text),
      signal,
    );
  let waiting: { readonly chunk: number; readonly vector: Float32Array }[] = [];
  let since = performance.now();
  const store = async (): Promise<void> => {
    const rows = waiting;
    waiting = [];
    since = performance.now();
    if (rows.length > 0) await write("putVectors", space, rows);
    report.embedded += rows.length;
  };
  const take = async (chunks: readonly PendingChunk[], vectors: readonly Float32Array[]): Promise<void> => {
    for (const [at, { chunk }] of chunks.entries()) waiting.push({ chunk, vector: vectors[at]! });
    if (waiting.length >= storedAtOnce || performance.now() - since > longestWait) await store();
  };
  const total = await write("countPending", space);
  let [last, seen] = [0, 0];
  // By length: embedders pad the texts that they get together to the longest.
  const next = async (): Promise<PendingChunk[]> => {
    const found = total === 0 ? [] : await write("pending", space, last, lookedUpAtOnce);
    last = found.at(-1)?.chunk ?? last;
    return [...found].sort((a, b) => a.text.length - b.text.length);
  };
  let queue = isBounded ? await write("oldest", space, lookedUpAtOnce) : await next();
  if (isBounded) report.rest = total > queue.length;
  try {
    for (;;) {
      signal?.throwIfAborted();
      // One batch at least, however long looking them up took: else a large index would never get on.
      if ((seen > 0 || time <= 0) && performance.now() - begin >= time) {
        report.rest = true;
        break;
      }
      if (queue.length === 0 && !isBounded) queue = await next();
      const batch = queue.splice(0, isBounded ? smallBatch : batchSize);
      onProgress(report.embedded + waiting.length, Math.max(0, total - seen));
      if (batch.length === 0) break;
      seen += batch.length;
      const vectors = await embed(batch).catch(() => undefined);
      if (vectors !== undefined) {
        await take(batch, vectors);
        continue;
      }
      // One text may have spoilt the whole batch: each by itself.
      for (const chunk of batch) {
        signal?.throwIfAborted();
        const alone = await embed([chunk]).catch((error: unknown) => {
          report.failures.push({ collection: chunk.collection, id: chunk.document, message: messageOf(error) });
        });
        if (alone !== undefined) await take([chunk], alone);
      }
    }
  } finally {
    await store();
  }
  return report;
}

/** Vectors of texts, checked. @throws PipeError `vector-invalid`, and what the embedder throws. */
export async function embedChecked(
  embedder: IEmbedder,
  texts: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly Float32Array[]> {
  const { dimensions, id } = embedder.space;
  // Programs without types give anything.
  const given = (await embedder.embed(texts, signal)) as readonly (Float32Array | undefined)[] | undefined;
  const vectors = Array.from(given ?? []);
  const bad = vectors.findIndex((vector) => vector?.length !== dimensions || !allFinite(vector));
  if (vectors.length === texts.length && bad < 0) return vectors as readonly Float32Array[];
  const vector = vectors[bad];
  throw new PipeError("vector-invalid", "The embedder gave no proper vectors.", {
    expected: `${texts.length} vectors of ${dimensions} finite numbers`,
    got:
      vector === undefined
        ? `${vectors.filter((each) => each !== undefined).length} vectors`
        : `one of ${vector.length} numbers, ${allFinite(vector) ? "all" : "not all"} finite`,
    where: id,
  });
}
