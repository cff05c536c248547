import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Batch, type Cursor, type IBatchLoader, PipeError, Random } from "@pipe/core";
import { batchLoaderContract } from "@pipe/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createByteTokenizer } from "./byte-tokenizer.ts";
import { DataLoaderFactory, type LoaderOptions } from "./data-loader-factory.ts";
import { DatasetBuilder } from "./dataset-builder.ts";
import { folderOf } from "./folder-of.test.fixture.ts";
import { JsonlDataSource } from "./jsonl-data-source.ts";
import { permutation } from "./permutation.ts";
import type { LoaderCursor } from "./token-batch-loader.ts";
import { WindowOrder } from "./window-order.ts";

const texts = Array.from({ length: 40 }, (_, n) => `document ${n} ${"éx".repeat(n % 7)}`);

async function build(documents: readonly string[], shardTokens?: number): Promise<string> {
  const root = await folderOf({ "d.jsonl": documents.map((text, n) => JSON.stringify({ text, id: n })).join("\n") });
  const folder = join(root, "set");
  await new DatasetBuilder({
    source: new JsonlDataSource({ path: join(root, "d.jsonl"), idField: "id" }),
    tokenizer: createByteTokenizer(),
    folder,
    split: { by: "tail", fraction: 0.25 },
    ...(shardTokens === undefined ? {} : { shardTokens }),
  }).build();
  return folder;
}

const folder = await build(texts, 100);
const factory = new DataLoaderFactory({ folder });
const base: LoaderOptions = { split: "train", batch: 3, sequenceLength: 16, shuffle: false, repeat: false };

async function take(loader: IBatchLoader, limit = Infinity, from?: Cursor): Promise<Batch[]> {
  const batches: Batch[] = [];
  if (limit > 0) {
    for await (const batch of loader.batches(from)) if (batches.push(batch) === limit) break;
  }
  return batches;
}

/** Pairs of token and target that count, in order. */
function pairs({ arrays }: Batch): [number, number][] {
  const { ids, targets, weights } = arrays as { [name: string]: ArrayLike<number> };
  return Array.from(ids!, (id, at): [number, number] => [id, targets![at]!]).filter((_, at) => weights![at] === 1);
}

async function sequence(split: "train" | "validation"): Promise<number[]> {
  const { tokens } = (await factory.describe()).splits[split];
  const loader = await factory.create({ ...base, split, batch: 1, sequenceLength: tokens - 1 });
  const [batch] = await take(loader);
  await loader[Symbol.asyncDispose]();
  return [batch!.arrays["ids"]![0]!, ...batch!.arrays["targets"]!];
}

describe.each([
  ["in order", {}],
  ["shuffled", { shuffle: true, seed: 3 }],
  ["overlapping", { stride: 5 }],
])("loader %s", (_, over: Partial<LoaderOptions>) => {
  batchLoaderContract(() => factory.create({ ...base, ...over }), { describe, it, expect });

  it.each(["train", "validation"] as const)("counts every target of %s exactly once", async (split) => {
    const tokens = await sequence(split);
    const expected = tokens.slice(1).map((target, at) => `${tokens[at]} ${target}`);
    for (const sequenceLength of [1, 7, 16, tokens.length - 2, tokens.length + 5]) {
      const stride = Math.min(over.stride ?? sequenceLength, sequenceLength);
      const loader = await factory.create({ ...base, ...over, split, sequenceLength, stride });
      const batches = await take(loader);
      const seen = batches.flatMap((batch) => pairs(batch).map((pair) => pair.join(" ")));
      expect(over.shuffle ? seen.sort() : seen).toEqual(over.shuffle ? expected.toSorted() : expected);
      expect(batches.reduce((sum, batch) => sum + batch.tokens, 0)).toBe(expected.length);
      await loader[Symbol.asyncDispose]();
    }
  });
});

describe("repeating loader", () => {
  it("goes on at any sample with another batch size as if nothing had happened", async () => {
    const rows = (batches: Batch[]) =>
      batches.flatMap(({ arrays }) =>
        Array.from({ length: arrays["ids"]!.length / 16 }, (_, row) => [
          ...arrays["ids"]!.slice(row * 16, row * 16 + 16),
        ]),
      );
    const whole = rows(await take(await factory.create({ ...base, shuffle: true, repeat: true, batch: 1 }), 120));
    const [first] = (await take(await factory.create({ ...base, shuffle: true, repeat: true, batch: 5 }), 3)).slice(-1);
    const rest = await factory.create({ ...base, shuffle: true, repeat: true, batch: 7 });
    expect(first!.cursor).toMatchObject({ sample: 15 });
    expect(rows(await take(rest, 15, first!.cursor))).toEqual(whole.slice(15, 120));
  });

  it("shuffles each epoch by its own order and phase, without repeating a window within it", async () => {
    const { tokens } = (await factory.describe()).splits.train;
    const order = new WindowOrder({ tokens, length: 16, stride: 16, shuffle: true, repeat: true, seed: 1 });
    const epochs = [0, 1, 2].map((epoch) =>
      Array.from({ length: order.windows }, (_, n) => order.at(epoch * order.windows + n).begin),
    );
    for (const begins of epochs) {
      const sorted = begins.toSorted((a, b) => a - b);
      expect(sorted.every((begin, n) => begin === sorted[0]! + 16 * n)).toBe(true);
      expect(begins).not.toEqual(sorted);
    }
    expect(new Set(epochs.map((begins) => Math.min(...begins))).size).toBeGreaterThan(1);
    expect(new Set(epochs.map(String)).size).toBe(3);
  });

  it("tells the epoch, in its cursor too", async () => {
    const loader = await factory.create({ ...base, shuffle: true, repeat: true, batch: 1 });
    const batches = await take(loader, 200);
    const epochs = batches.map(({ cursor }) => (cursor as LoaderCursor).epoch);
    expect(batches.map(({ epoch }) => epoch)).toEqual(epochs);
    const { windows } = loader as IBatchLoader & { windows: number };
    expect(epochs).toEqual(Array.from({ length: 200 }, (_, n) => Math.floor((n + 1) / windows)));
  });

  it("depends on the seed", async () => {
    const first = async (seed: number) =>
      (await take(await factory.create({ ...base, shuffle: true, repeat: true, seed }), 1))[0]!.arrays;
    expect(await first(1)).toEqual(await first(1));
    expect(await first(1)).not.toEqual(await first(2));
  });
});

describe("WindowOrder", () => {
  it("keeps every window inside the tokens, whole ones where epochs repeat", () => {
    const numbers = fc.record({
      tokens: fc.integer({ min: 2, max: 300 }),
      length: fc.integer({ min: 1, max: 40 }),
      stride: fc.integer({ min: 1, max: 40 }),
      shuffle: fc.boolean(),
      repeat: fc.boolean(),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(numbers, fc.nat(1000), (options, sample) => {
        const stride = Math.min(options.stride, options.length);
        const order = new WindowOrder({ ...options, stride });
        if (options.repeat && options.tokens <= options.length) return;
        const { begin } = order.at(options.repeat ? sample : sample % order.windows);
        expect(begin).toBeGreaterThanOrEqual(0);
        const end = options.shuffle && options.repeat ? begin + options.length + 1 : begin + 2;
        expect(end).toBeLessThanOrEqual(options.tokens);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("permutation", () => {
  it("takes each number once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.nat(), (size, seed) => {
        const permute = permutation(size, new Random(seed));
        expect(new Set(Array.from({ length: size }, (_, n) => permute(n))).size).toBe(size);
        expect(Math.max(...Array.from({ length: size }, (_, n) => permute(n)))).toBe(size - 1);
      }),
    );
  });

  it("reaches beyond 32 bits, and no two numbers meet there", () => {
    const size = 2 ** 40 + 12345;
    const permute = permutation(size, new Random(4));
    const places = Array.from({ length: 5000 }, (_, n) => permute(n));
    expect(new Set(places).size).toBe(5000);
    expect(Math.max(...places)).toBeGreaterThan(2 ** 39);
    expect(Math.max(...places)).toBeLessThan(size);
  });
});

describe("documents of a batch", () => {
  it("are those that its windows touch, with their exact texts", async () => {
    const loader = await factory.create({ ...base, batch: 1, sequenceLength: 30 });
    const touched = new Map<string, string>();
    for (const { documents } of await take(loader)) {
      expect(documents.length).toBeGreaterThan(0);
      for (const document of documents) touched.set(document.id, await loader.text(document));
    }
    const found = [...touched.values()];
    // The split cuts the last document of the training side in two.
    expect(found.slice(0, -1)).toEqual(texts.slice(0, found.length - 1));
    expect(texts[found.length - 1]!.startsWith(found.at(-1)!)).toBe(true);
    await loader[Symbol.asyncDispose]();
  });

  it("survive structured cloning, which reads them", async () => {
    const [batch] = await take(await factory.create(base), 1);
    expect(structuredClone(batch!.documents)).toEqual(structuredClone(batch)!.documents);
  });

  it("must lie in the split", async () => {
    const loader = await factory.create(base);
    for (const place of [
      { shard: 99, begin: 0, end: 1 },
      { shard: 0, begin: 0, end: 1e9 },
      { shard: 0, begin: 3, end: 2 },
    ]) {
      await expect(loader.text({ id: "x", ...place })).rejects.toThrow("not in this split");
    }
  });
});

describe("DataLoaderFactory", () => {
  it("says how small a split is and what would fit", async () => {
    const tiny = new DataLoaderFactory({ folder: await build(["0123456789"]) });
    const error = await tiny.create({ ...base, repeat: true }).catch((thrown: unknown) => thrown);
    expect(PipeError.is(error, "dataset-too-small")).toBe(true);
    expect(String(error)).toContain("7 tokens");
    expect(String(error)).toContain("at most 6");
    await expect(tiny.create({ ...base, repeat: true, shuffle: true })).rejects.toThrow("at least 17 tokens");
    const [padded] = await take(await tiny.create(base));
    expect(padded).toMatchObject({ tokens: 6 });
  });

  it("asks for text where a split is empty", async () => {
    const empty = new DataLoaderFactory({ folder: await build(["0"]) });
    await expect(empty.create(base)).rejects.toThrow("0 tokens");
  });

  it.each([
    [{ batch: 0 }, "batch"],
    [{ sequenceLength: 1.5 }, "sequenceLength"],
    [{ stride: 17 }, "from 1 to sequenceLength (16)"],
  ])("refuses %j", async (over, part) => {
    await expect(factory.create({ ...base, ...over })).rejects.toThrow(part);
  });

  it("refuses cursors of something else, and everything after disposal", async () => {
    const loader = await factory.create(base);
    for (const cursor of [null, {}, { sample: -1 }, 3]) {
      await expect(take(loader, 1, cursor)).rejects.toThrow("not a position of a batch loader");
    }
    expect(await take(loader, 1, { sample: 1e6 })).toEqual([]);
    const [batch] = await take(loader, 1);
    await loader[Symbol.asyncDispose]();
    await loader[Symbol.asyncDispose]();
    await expect(take(loader, 1)).rejects.toThrow("disposed");
    await expect(loader.text({ id: "", shard: 0, begin: 0, end: 1 })).rejects.toThrow("disposed");
    expect(() => batch!.documents).toThrow("disposed");
  });

  it("reads nanoGPT's headerless files, and as many shards as there are", async () => {
    const dir = await folderOf({});
    const paths = Array.from({ length: 70 }, (_, n) => join(dir, `${n}.bin`));
    for (const [n, path] of paths.entries()) await writeFile(path, Uint16Array.of(n * 2, n * 2 + 1));
    const foreign = new DataLoaderFactory({ shards: { train: paths }, layout: "headerless-uint16" });
    const loader = await foreign.create({ ...base, sequenceLength: 139, batch: 1 });
    const [batch] = await take(loader);
    expect([...batch!.arrays["targets"]!]).toEqual(Array.from({ length: 139 }, (_, n) => n + 1));
    expect(batch!.documents).toEqual([]);
    await expect(loader.text({ id: "", shard: 0, begin: 0, end: 1 })).rejects.toThrow("name no tokenizer");
    await expect(foreign.create({ ...base, split: "validation" })).rejects.toThrow("0 tokens");
    await expect(foreign.describe()).rejects.toThrow("no index");

    await writeFile(join(dir, "wide.bin"), Uint32Array.of(104, 105));
    const wide = { shards: { train: [join(dir, "wide.bin")] }, tokenizer: createByteTokenizer() };
    const text = await new DataLoaderFactory({ ...wide, layout: "headerless-uint32" }).create({
      ...base,
      sequenceLength: 1,
    });
    expect(await text.text({ id: "", shard: 0, begin: 0, end: 2 })).toBe("hi");
    await writeFile(paths[0]!, Uint8Array.of(1, 2, 3));
    await expect(foreign.create(base)).rejects.toThrow("a multiple of 2 bytes");
  });

  it("notices a shard that was cut after it was opened", async () => {
    const path = join(await folderOf({}), "t.bin");
    await writeFile(path, new Uint16Array(100));
    const loader = await new DataLoaderFactory({ shards: { train: [path] }, layout: "headerless-uint16" }).create(base);
    await writeFile(path, new Uint16Array(10));
    await expect(take(loader)).rejects.toThrow("A token shard is not what it should be");
  });
});
