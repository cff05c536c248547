import type { Batch, Cursor, IBatchLoader } from "@pipe/core";

/** Only the first batches of a loader, again and again: what a model that can learn at all learns by heart. */
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
        yield { ...first[number % first.length]!, cursor: number + 1 };
      }
    },
  };
}
