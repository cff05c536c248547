import type { Batch, Cursor, IBatchLoader } from "@pipe/core";

/**
 * Only the first batches of a loader, again and again: what a model that can learn at all learns by heart. An epoch is a pass
 * over these.
 */
export function firstBatches(loader: IBatchLoader, count: number): IBatchLoader {
  return {
    specs: loader.specs,
    text: (document) => loader.text(document),
    [Symbol.asyncDispose]: () => loader[Symbol.asyncDispose](),
    async *batches(from: Cursor = 0): AsyncGenerator<Batch> {
      const first: Batch[] = [];
      for await (const batch of loader.batches()) {
        if (first.push(batch) === count) break;
      }
      // The cursor counts batches.
      for (let number = from as number; first.length > 0; number++) {
        const batch = first[number % first.length]!;
        yield {
          arrays: batch.arrays,
          tokens: batch.tokens,
          cursor: number + 1,
          epoch: Math.floor((number + 1) / first.length),
          // Looked up when somebody asks, as the loader does.
          get documents() {
            return batch.documents;
          },
        };
      }
    },
  };
}
