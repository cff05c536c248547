import type { VectorSpace } from "../interfaces/indexer.ts";
import type { IVectorStore, VectorRow } from "../interfaces/vector-store.ts";
import { Random } from "../random.ts";
import type { TestFramework } from "./framework.ts";
import { codeOf } from "./rejection.ts";

const space: VectorSpace = { id: "contract", step: 3, dimensions: 16 };
const other: VectorSpace = { id: "contract", step: 4, dimensions: 16 };

/**
 * Registers what every {@link IVectorStore} must do.
 *
 * @param make a new, empty store, and how to close it.
 */
export function vectorStoreContract(
  make: () => Promise<{ store: IVectorStore; close(): Promise<void> }>,
  { describe, it, expect }: TestFramework,
): void {
  const using = async (body: (store: IVectorStore) => Promise<void>): Promise<void> => {
    const { store, close } = await make();
    try {
      await body(store);
    } finally {
      await close();
    }
  };
  const keysOf = async (store: IVectorStore, query: Float32Array, limit: number): Promise<number[]> =>
    (await store.search(space, query, limit)).map(({ key }) => key);

  describe("IVectorStore", () => {
    it("knows nothing at first", () =>
      using(async (store) => {
        expect(await store.position(space)).toEqual({ sequence: 0, rows: 0, worn: false });
        expect(await store.search(space, axis(0), 5)).toEqual([]);
      }));

    it("finds the nearest first, with the inner product as score", () =>
      using(async (store) => {
        const rows = randomRows(200);
        await store.apply(space, { rows, removed: [], sequence: 7 });
        expect(await store.position(space)).toEqual({ sequence: 7, rows: 200, worn: false });
        const query = rows[41]!.vector;
        const found = await store.search(space, query, 10);
        const exact = rows
          .map(({ key, vector }) => ({ key, score: product(query, vector) }))
          .sort((a, b) => b.score - a.score)
          .slice(0, 10);
        expect(found[0]!.key).toBe(rows[41]!.key);
        const wanted = new Set(exact.map(({ key }) => key));
        expect(found.filter(({ key }) => wanted.has(key)).length).toBeGreaterThanOrEqual(9);
        for (const { key, score } of found) {
          const { vector } = rows.find((row) => row.key === key)!;
          expect(Math.abs(score - product(query, vector))).toBeLessThan(0.02);
        }
        expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).sort((a, b) => b - a));
        expect((await store.search(space, query, 500)).length).toBe(200);
      }));

    it("replaces a row by its key, and takes what it has taken before", () =>
      using(async (store) => {
        await store.apply(space, { rows: [{ key: 1, vector: axis(0) }], removed: [], sequence: 1 });
        const change = {
          rows: [
            { key: 1, vector: axis(1) },
            { key: 2, vector: axis(0) },
          ],
          removed: [9],
          sequence: 2,
        };
        await store.apply(space, change);
        await store.apply(space, change);
        expect((await store.position(space)).rows).toBe(2);
        expect(await keysOf(store, axis(1), 1)).toEqual([1]);
        expect(await keysOf(store, axis(0), 1)).toEqual([2]);
      }));

    it("finds neither what was removed nor vectors of zeros", () =>
      using(async (store) => {
        const rows = randomRows(40);
        await store.apply(space, { rows, removed: [], sequence: 1 });
        await store.apply(space, {
          rows: [{ key: 900, vector: new Float32Array(16) }],
          removed: rows.slice(0, 20).map(({ key }) => key),
          sequence: 2,
        });
        const found = await keysOf(store, rows[3]!.vector, 100);
        expect(found.toSorted((a, b) => a - b)).toEqual(rows.slice(20).map(({ key }) => key));
      }));

    it("keeps spaces apart and forgets one", () =>
      using(async (store) => {
        await store.apply(space, { rows: [{ key: 1, vector: axis(0) }], removed: [], sequence: 1 });
        await store.apply(other, { rows: [{ key: 2, vector: axis(0) }], removed: [], sequence: 1 });
        expect(await keysOf(store, axis(0), 5)).toEqual([1]);
        await store.drop(space);
        expect((await store.position(space)).sequence).toBe(0);
        expect(await keysOf(store, axis(0), 5)).toEqual([]);
        expect((await store.search(other, axis(0), 5)).map(({ key }) => key)).toEqual([2]);
      }));

    it("comes no further than the last part of a change", () =>
      using(async (store) => {
        await store.apply(space, { rows: randomRows(5), removed: [] });
        expect((await store.position(space)).sequence).toBe(0);
        await store.apply(space, { rows: [], removed: [], sequence: 12 });
        expect((await store.position(space)).sequence).toBe(12);
      }));

    it("answers from what is there while it is built anew", () =>
      using(async (store) => {
        await store.apply(space, { rows: [{ key: 1, vector: axis(0) }], removed: [], sequence: 1 });
        await store.apply(space, { rows: [{ key: 2, vector: axis(0) }], removed: [], rebuild: "first" });
        expect(await keysOf(store, axis(0), 5)).toEqual([1]);
        await store.apply(space, { rows: [{ key: 3, vector: axis(1) }], removed: [], rebuild: "further", sequence: 2 });
        expect(await keysOf(store, axis(0), 1)).toEqual([2]);
        expect(await store.position(space)).toEqual({ sequence: 2, rows: 2, worn: false });
      }));

    it("refuses what is no vector and what is no limit", () =>
      using(async (store) => {
        const bad = axis(0);
        bad[3] = Number.NaN;
        for (const vector of [bad, new Float32Array(15)]) {
          const change = { rows: [{ key: 1, vector }], removed: [] };
          expect(await codeOf(() => store.apply(space, change))).toBe("vector-invalid");
          expect(await codeOf(() => store.search(space, vector, 1))).toBe("vector-invalid");
        }
        for (const limit of [0, -1, 1.5, Number.NaN]) {
          expect(await codeOf(() => store.search(space, axis(0), limit))).toBe("search-options-invalid");
        }
      }));
  });
}

function axis(at: number): Float32Array {
  const vector = new Float32Array(space.dimensions);
  vector[at] = 1;
  return vector;
}

/** Directions around a few centres, as texts have them: evenly spread ones are all about equally far apart. */
function randomRows(count: number): VectorRow[] {
  const random = new Random(11);
  const centres = Array.from({ length: 8 }, () => Array.from({ length: space.dimensions }, () => random.normal()));
  return Array.from({ length: count }, (_, at) => {
    const vector = Float32Array.from(centres[at % 8]!, (value) => value + 0.3 * random.normal());
    const norm = Math.hypot(...vector);
    return { key: at + 1, vector: vector.map((value) => value / norm) };
  });
}

function product(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
