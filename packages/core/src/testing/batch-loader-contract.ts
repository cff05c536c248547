import type { Batch, Cursor, IBatchLoader } from "../interfaces/data.ts";
import { checkHostArray } from "../tensor-spec.ts";
import type { TestFramework } from "./framework.ts";

/**
 * Registers what every {@link IBatchLoader} must do.
 *
 * @param make a loader that ends (does not repeat) after at least two batches; the same content each time. The test
 * disposes it.
 */
export function batchLoaderContract(
  make: () => IBatchLoader | Promise<IBatchLoader>,
  { describe, it, expect }: TestFramework,
): void {
  const using = async (body: (loader: IBatchLoader) => Promise<void>): Promise<void> => {
    const loader = await make();
    try {
      await body(loader);
    } finally {
      await loader[Symbol.asyncDispose]();
    }
  };

  describe("IBatchLoader", () => {
    it("fills exactly the arrays that its specs name", () =>
      using(async (loader) => {
        const batches = await all(loader);
        expect(batches.length).toBeGreaterThanOrEqual(2);
        for (const { arrays } of batches) {
          expect(Object.keys(arrays).sort()).toEqual(Object.keys(loader.specs).sort());
          for (const [name, spec] of Object.entries(loader.specs)) checkHostArray(arrays[name]!, spec, name);
        }
      }));

    it("counts the targets that have weight", () =>
      using(async (loader) => {
        for (const { arrays, tokens } of await all(loader)) {
          const weights = arrays["weights"];
          if (weights !== undefined) expect(Array.from(weights).filter((weight) => weight > 0).length).toBe(tokens);
          expect(tokens).toBeGreaterThan(0);
        }
      }));

    it("goes on after each batch exactly, from a cursor that was stored as JSON", () =>
      using(async (loader) => {
        const batches = await all(loader);
        for (const [index, { cursor }] of batches.entries()) {
          const stored = JSON.parse(JSON.stringify(cursor)) as Cursor;
          expect(stored).toEqual(cursor);
          expect((await all(loader, stored)).map(plain)).toEqual(batches.slice(index + 1).map(plain));
        }
      }));

    it("yields the same again from a new loader", () =>
      using(async (loader) => {
        const first = (await all(loader)).map(plain);
        await using(async (other) => expect((await all(other)).map(plain)).toEqual(first));
      }));

    it("gives arrays that later batches leave alone", () =>
      using(async (loader) => {
        let previous: Batch | undefined;
        let copy: unknown;
        for await (const batch of loader.batches()) {
          if (previous !== undefined) expect(plain(previous)).toEqual(copy);
          previous = batch;
          copy = plain(batch);
        }
      }));

    it("gives back the text of the documents that a batch touches", () =>
      using(async (loader) => {
        for await (const { documents } of loader.batches()) {
          for (const document of documents) expect((await loader.text(document)).length).toBeGreaterThan(0);
        }
      }));
  });
}

async function all(loader: IBatchLoader, from?: Cursor): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loader.batches(from)) batches.push(batch);
  return batches;
}

/** A copy that can be compared. */
function plain({ arrays, tokens, cursor, documents }: Batch): unknown {
  const copied = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, Array.from(array)]));
  return { arrays: copied, tokens, cursor, documents };
}
