import { existsSync } from "node:fs";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "@pipe/core";
import { vectorStoreContract } from "@pipe/core/testing";
import { describe, expect, it } from "vitest";
import { codeOf, temporaryFolders } from "../index-folder.test.fixture.ts";
import { FlatSpace } from "./flat-space.ts";
import { UsearchVectorStore, type UsearchVectorStoreOptions } from "./usearch-vector-store.ts";

const newFolder = temporaryFolders();
const space = { id: "test", step: 1, dimensions: 32 };

describe.each([
  ["flat", { worker: false }],
  ["as a graph", { worker: false, exactBelow: 0 }],
  ["as a graph from 20 rows on, in a thread", { exactBelow: 20 }],
] as [string, UsearchVectorStoreOptions][])("UsearchVectorStore %s", (_, options) => {
  vectorStoreContract(
    async () => {
      const store = new UsearchVectorStore({ ...options, folder: await newFolder() });
      return { store, close: () => store[Symbol.asyncDispose]() };
    },
    { describe, it, expect },
  );
});

/** Directions around centres, as those of texts. */
function rowsOf(count: number, seed = 1): { key: number; vector: Float32Array }[] {
  const random = new Random(seed);
  const centres = Array.from({ length: 20 }, () => Array.from({ length: 32 }, () => random.normal()));
  return Array.from({ length: count }, (_, at) => {
    const vector = Float32Array.from(centres[at % 20]!, (value) => value + 0.5 * random.normal());
    const norm = Math.hypot(...vector);
    return { key: at + 1, vector: vector.map((value) => value / norm) };
  });
}

async function using<T>(
  options: UsearchVectorStoreOptions,
  body: (store: UsearchVectorStore) => Promise<T>,
): Promise<T> {
  const store = new UsearchVectorStore({ worker: false, exactBelow: 100, ...options });
  try {
    return await body(store);
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

describe("FlatSpace", () => {
  it.each([1, 7, 8, 33])("finds exactly, in %d dimensions", (dimensions) => {
    const random = new Random(dimensions);
    const flat = new FlatSpace(dimensions);
    const rows = Array.from({ length: 300 }, (_, at) => {
      return { key: at + 1, vector: Float32Array.from({ length: dimensions }, () => random.normal()) };
    });
    flat.put(rows);
    flat.remove(rows.filter(({ key }) => key % 3 === 0).map(({ key }) => key));
    const query = rows[4]!.vector;
    const expected = rows
      .filter(({ key }) => key % 3 !== 0)
      .map(({ key, vector }) => ({ key, score: vector.reduce((sum, value, i) => sum + value * query[i]!, 0) }))
      .sort((a, b) => b.score - a.score);
    const found = flat.search(query, 500);
    expect(found.length).toBe(200);
    for (const [at, { score }] of found.entries()) expect(score).toBeCloseTo(expected[at]!.score, 3);
    expect(flat.rows).toBe(200);
  });
});

describe("a stored graph", () => {
  it("is there again after it was flushed, with what it knows", async () => {
    const folder = await newFolder();
    const rows = rowsOf(400);
    await using({ folder }, async (store) => {
      await store.apply(space, { rows, removed: [], sequence: 5 });
      await store.flush();
      await store.apply(space, { rows: [], removed: [1], sequence: 6 });
      await store.flush();
      await store.flush();
    });
    await using({ folder }, async (store) => {
      expect(await store.position(space)).toEqual({ sequence: 6, rows: 399, worn: false });
      const found = await store.search(space, rows[41]!.vector, 10);
      expect(found[0]!.key).toBe(42);
      expect((await store.search(space, rows[0]!.vector, 400)).some(({ key }) => key === 1)).toBe(false);
      const [name] = await readdir(folder);
      expect(await readdir(join(folder, name!))).toHaveLength(3);
      await store.drop(space);
      expect(existsSync(join(folder, name!))).toBe(false);
    });
  });

  it("counts as none where it is flipped, cut, missing or another's", async () => {
    const folder = await newFolder();
    const rows = rowsOf(300);
    await using({ folder }, async (store) => {
      await store.apply(space, { rows, removed: [], sequence: 5 });
      await store.flush();
    });
    const place = join(folder, (await readdir(folder))[0]!);
    const graph = join(
      place,
      (await readdir(place)).find((name) => name.endsWith(".usearch"))!,
    );
    const manifest = join(place, "manifest.json");
    const [bytes, text] = [await readFile(graph), await readFile(manifest, "utf8")];
    const sequence = (): Promise<number> => using({ folder }, async (store) => (await store.position(space)).sequence);
    expect(await sequence()).toBe(5);
    for (const at of [0, 70, bytes.length >> 1, bytes.length - 1]) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 0x10;
      await writeFile(graph, flipped);
      expect(await sequence()).toBe(0);
    }
    await writeFile(graph, bytes);
    await truncate(graph, bytes.length >> 1);
    expect(await sequence()).toBe(0);
    await writeFile(graph, bytes);
    for (const other of ["{", text.replace('"step": 1', '"step": 2'), text.replace('"format": 1', '"format": 9')]) {
      await writeFile(manifest, other);
      expect(await sequence()).toBe(0);
    }
    await writeFile(manifest, text.replace(".keys", ".lost"));
    expect(await sequence()).toBe(0);
    await writeFile(manifest, text);
    expect(await sequence()).toBe(5);
  });

  it("that the checksum fits but usearch cannot read ends another process, not this one", async () => {
    const folder = await newFolder();
    await using({ folder }, async (store) => {
      await store.apply(space, { rows: rowsOf(300), removed: [], sequence: 5 });
      await store.flush();
    });
    const place = join(folder, (await readdir(folder))[0]!);
    const names = await readdir(place);
    const [graph, keys] = [".usearch", ".keys"].map((end) =>
      join(
        place,
        names.find((name) => name.endsWith(end))!,
      ),
    );
    await writeFile(graph!, "no graph");
    const { createHash } = await import("node:crypto");
    const sha256 = createHash("sha256")
      .update("no graph")
      .update(await readFile(keys!))
      .digest("hex");
    const manifest = join(place, "manifest.json");
    await writeFile(manifest, (await readFile(manifest, "utf8")).replace(/"sha256": "\w+"/, `"sha256": "${sha256}"`));
    expect(await using({ folder }, (store) => store.position(space))).toEqual({ sequence: 0, rows: 0, worn: false });
  });

  it("is worn when a quarter is gone, and whole again after it was built anew", async () => {
    const rows = rowsOf(400);
    await using({}, async (store) => {
      await store.apply(space, { rows, removed: [], sequence: 1 });
      await store.apply(space, { rows: [], removed: rows.slice(0, 120).map(({ key }) => key), sequence: 2 });
      expect((await store.position(space)).worn).toBe(true);
      await store.apply(space, { rows: rows.slice(120), removed: [], sequence: 3, rebuild: "first" });
      expect(await store.position(space)).toEqual({ sequence: 3, rows: 280, worn: false });
    });
  });

  it("is refused work after it was closed", async () => {
    const store = new UsearchVectorStore({ worker: false });
    await store[Symbol.asyncDispose]();
    expect(await codeOf(() => store.position(space))).toBe("index-closed");
  });
});

describe("recall", () => {
  it("of a graph is that of looking at all", async () => {
    const all = rowsOf(3_040, 3);
    const [rows, queries] = [all.slice(0, 3_000), all.slice(3_000)];
    const flat = new FlatSpace(32);
    flat.put(rows);
    const right = await using({ exactBelow: 100 }, async (store) => {
      await store.apply(space, { rows, removed: [], sequence: 1 });
      let count = 0;
      for (const { vector } of queries) {
        const exact = new Set(flat.search(vector, 10).map(({ key }) => key));
        count += (await store.search(space, vector, 40)).filter(({ key }) => exact.has(key)).length;
      }
      return count;
    });
    expect(right / 400).toBeGreaterThan(0.99);
  });
});
