import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type IDataSource, PipeError, type SourceDocument } from "@pipe/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createByteTokenizer } from "./byte-tokenizer.ts";
import { createCharTokenizer } from "./char-tokenizer.ts";
import { DataLoaderFactory } from "./data-loader-factory.ts";
import { DatasetBuilder, type DatasetBuilderOptions } from "./dataset-builder.ts";
import { readDatasetIndex } from "./dataset-index.ts";
import { DocumentTable, DocumentTableWriter } from "./document-table.ts";
import { folderOf } from "./folder-of.test.fixture.ts";
import { createGptTokenizer } from "./gpt-tokenizer.ts";
import { JsonlDataSource } from "./jsonl-data-source.ts";
import { splitter } from "./split.ts";
import { TextDataSource } from "./text-data-source.ts";
import { TokenProcessor } from "./token-processor.ts";
import { inspectShard } from "./token-reader.ts";

const tokenizer = createByteTokenizer();
const texts = ["alpha", "", "beta gamma", "δ", "epsilon ".repeat(30)];

async function jsonl(documents: readonly string[]): Promise<JsonlDataSource> {
  const folder = await folderOf({ "d.jsonl": documents.map((text) => JSON.stringify({ text })).join("\n") });
  return new JsonlDataSource({ path: join(folder, "d.jsonl") });
}

async function options(over: Partial<DatasetBuilderOptions> = {}): Promise<DatasetBuilderOptions> {
  const folder = join(await folderOf({}), "set");
  return { source: await jsonl(texts), tokenizer, folder, split: { by: "document", fraction: 0 }, ...over };
}

async function codeOf(action: () => Promise<unknown>): Promise<string> {
  const error = await action().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return PipeError.is(error) ? error.code : String(error);
}

describe("TokenProcessor", () => {
  it("puts end of text between documents, where the tokenizer has one, and passes over empty ones", async () => {
    const ids = async (processor: TokenProcessor) => {
      const all: number[][] = [];
      for await (const document of processor.process((await jsonl(["ab", "", "c"])).documents()))
        all.push([...document.ids]);
      return all;
    };
    expect(await ids(new TokenProcessor({ tokenizer }))).toEqual([
      [97, 98],
      [256, 99],
    ]);
    expect(await ids(new TokenProcessor({ tokenizer: createCharTokenizer("abc") }))).toEqual([[0, 1], [2]]);
  });

  it("stops when it is told to", async () => {
    const documents = (await jsonl(texts)).documents();
    const process = new TokenProcessor({ tokenizer }).process(documents, {
      signal: AbortSignal.abort(new Error("enough")),
    });
    await expect(process.next()).rejects.toThrow("enough");
  });
});

describe("splitter", () => {
  const document = (text: string): SourceDocument => ({ id: text, text, path: `${text.length}`, cursor: null });
  const sourceOf = (all: readonly string[]): IDataSource => ({
    async *documents() {
      for (const text of all) yield document(text);
    },
    describe: () => Promise.reject(new Error("not asked")),
  });

  it("cuts the tail at floor(characters · (1 − fraction)), characters being code points", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "binary" })),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        async (all, fraction) => {
          const divide = await splitter({ by: "tail", fraction }, sourceOf(all), undefined);
          const pieces = all.filter((text) => text !== "").flatMap((text) => divide(document(text)));
          const join = (split: string) =>
            pieces
              .filter((piece) => piece.split === split)
              .map(({ text }) => text)
              .join("");
          const whole = Array.from(all.join(""));
          const cut = Math.floor(whole.length * (1 - fraction));
          expect(join("train")).toBe(whole.slice(0, cut).join(""));
          expect(join("validation")).toBe(whole.slice(cut).join(""));
        },
      ),
    ));

  it("keeps each document's side when others come, about the fraction of them in validation", async () => {
    const divide = await splitter({ by: "document", fraction: 0.25 }, sourceOf([]), undefined);
    const sides = Array.from({ length: 4000 }, (_, n) => divide(document(`text ${n}`))[0]!.split);
    const again = Array.from({ length: 2000 }, (_, n) => divide(document(`text ${n * 2}`))[0]!.split);
    expect(again).toEqual(sides.filter((_, n) => n % 2 === 0));
    const share = sides.filter((side) => side === "validation").length / sides.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(0.03);
  });

  it("keeps the documents of a file together", async () => {
    const divide = await splitter({ by: "file", fraction: 0.5 }, sourceOf([]), undefined);
    const side = (text: string, path: string) => divide({ ...document(text), path })[0]!.split;
    const paths = Array.from({ length: 50 }, (_, n) => `f${n}`);
    for (const path of paths) expect(side("a", path)).toBe(side("b", path));
    expect(new Set(paths.map((path) => side("a", path))).size).toBe(2);
    const { path: _path, ...pathless } = document("f1");
    expect(divide(pathless)[0]!.split).toBe(side("a", "f1"));
  });
});

describe("DatasetBuilder", () => {
  it("writes llm.c's layout: header, magic, version, count, uint16 tokens", async () => {
    const { folder, ...rest } = await options();
    const progress: number[] = [];
    const report = await new DatasetBuilder({ folder, ...rest }).build({
      onProgress: ({ documents }) => progress.push(documents),
    });
    const bytes = await readFile(join(folder, "train_000000.bin"));
    const header = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 1024));
    const expected = [
      ...Buffer.from("alpha"),
      256,
      ...Buffer.from("beta gamma"),
      256,
      ...Buffer.from("δ"),
      256,
      ...Buffer.from(texts[4]!),
    ];
    expect([...header.slice(0, 4)]).toEqual([20240520, 1, expected.length, 0]);
    expect([...new Uint16Array(bytes.buffer.slice(bytes.byteOffset + 1024, bytes.byteOffset + bytes.length))]).toEqual(
      expected,
    );
    expect(report).toEqual({
      folder,
      reused: false,
      emptyDocuments: 1,
      splits: {
        train: {
          shards: [{ file: "train_000000.bin", tokens: expected.length }],
          documents: 4,
          tokens: expected.length,
          bytes: expected.length - 3,
        },
        validation: { shards: [], documents: 0, tokens: 0, bytes: 0 },
      },
    });
    expect(progress).toEqual([1, 3, 4, 5]); // the second has no text
    expect((await readdir(join(folder, ".."))).sort()).toEqual(["set"]);
  });

  it("writes uint32 tokens for large vocabularies, several shards, and the same bytes each time", async () => {
    const make = async () => {
      const all = await options({ tokenizer: await createGptTokenizer("cl100k_base"), shardTokens: 7 });
      await new DatasetBuilder(all).build();
      return all.folder;
    };
    const [one, two] = [await make(), await make()];
    const names = (await readdir(one)).sort();
    expect(await readdir(two).then((other) => other.sort())).toEqual(names);
    for (const name of names)
      expect((await readFile(join(one, name))).equals(await readFile(join(two, name)))).toBe(true);
    const { train } = (await readDatasetIndex(one)).splits;
    expect(train.shards.length).toBe(Math.ceil(train.tokens / 7));
    const header = (await readFile(join(one, "train_000000.bin"))).subarray(0, 12);
    expect([0, 4, 8].map((at) => header.readInt32LE(at))).toEqual([20240801, 7, 7]);
    expect(inspectShard(join(one, "train_000000.bin"))).toEqual({ tokens: 7, bytesPerToken: 4 });
  });

  it("gives nanoGPT's split of one file: characters, and encoded apart", async () => {
    const text = "The quick brown fox jumps over the lazy dog.\n".repeat(20);
    const path = join(await folderOf({ "input.txt": text }), "input.txt");
    const gpt = await createGptTokenizer("r50k_base");
    const all = await options({
      source: new TextDataSource({ path }),
      tokenizer: gpt,
      split: { by: "tail", fraction: 0.1 },
    });
    const { splits } = await new DatasetBuilder(all).build();
    expect(splits.train).toMatchObject({ bytes: 810, tokens: gpt.encode(text.slice(0, 810)).length, documents: 1 });
    expect(splits.validation).toMatchObject({ bytes: 90, tokens: gpt.encode(text.slice(810)).length, documents: 1 });
  });

  it("reuses an identical dataset, and builds anew when content, tokenizer, split or shard size differ", async () => {
    const first = await options();
    await new DatasetBuilder(first).build();
    expect((await new DatasetBuilder(first).build()).reused).toBe(true);
    const others: Partial<DatasetBuilderOptions>[] = [
      { source: await jsonl(["other"]) },
      { tokenizer: createCharTokenizer("alphbetgmδsion ") },
      { split: { by: "tail" } },
      { shardTokens: 5 },
    ];
    for (const other of others) {
      const builder = new DatasetBuilder({ ...first, ...other });
      expect((await builder.build()).reused).toBe(false);
      expect((await builder.build()).reused).toBe(true);
    }
  });

  it("builds anew where a shard is torn or the index damaged", async () => {
    const all = await options();
    await new DatasetBuilder(all).build();
    await truncate(join(all.folder, "train_000000.bin"), 1100);
    expect((await new DatasetBuilder(all).build()).reused).toBe(false);
    await writeFile(join(all.folder, "index.json"), "{");
    expect((await new DatasetBuilder(all).build()).reused).toBe(false);
    expect((await new DatasetBuilder(all).build()).reused).toBe(true);
  });

  it("leaves the old dataset as it was when it is stopped or fails", async () => {
    const all = await options();
    await new DatasetBuilder(all).build();
    const before = await readFile(join(all.folder, "index.json"), "utf8");
    const controller = new AbortController();
    const stopped = new DatasetBuilder({ ...all, split: { by: "tail" } }).build({
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("stopped")),
    });
    await expect(stopped).rejects.toThrow("stopped");
    const failing = new DatasetBuilder({ ...all, tokenizer: createCharTokenizer("alphbet gm") });
    expect(await codeOf(() => failing.build())).toBe("token-unknown");
    expect(await codeOf(async () => new DatasetBuilder({ ...all, source: await jsonl(["", ""]) }).build())).toBe(
      "corpus-empty",
    );
    expect(await readFile(join(all.folder, "index.json"), "utf8")).toBe(before);
    expect(await readdir(join(all.folder, ".."))).toEqual(["set"]);
  });

  it("puts back a dataset whose replacement was cut off, and sweeps what dead processes left", async () => {
    const all = await options();
    await new DatasetBuilder(all).build();
    await rename(all.folder, `${all.folder}.previous`);
    await mkdir(`${all.folder}.building-999999999`);
    expect((await new DatasetBuilder(all).build()).reused).toBe(true);
    expect(await readdir(join(all.folder, ".."))).toEqual(["set"]);
    await mkdir(`${all.folder}.previous`);
    await mkdir(`${all.folder}.building-1`);
    await new DatasetBuilder(all).build();
    expect((await readdir(join(all.folder, ".."))).sort()).toEqual(["set", "set.building-1"]);
  });

  it("accepts an empty folder and refuses one of something else, or a dataset of a newer version", async () => {
    const all = await options({ folder: await folderOf({}) });
    expect((await new DatasetBuilder(all).build()).reused).toBe(false);
    const newer = (await readFile(join(all.folder, "index.json"), "utf8")).replace('"version": 1', '"version": 2');
    await writeFile(join(all.folder, "index.json"), newer);
    expect(await codeOf(() => new DatasetBuilder(all).build())).toBe("dataset-newer");
    for (const files of [{ "photo.jpg": "" }, { a: "", b: "", c: "", d: "", e: "", f: "" }]) {
      const foreign = await options({ folder: await folderOf(files) });
      expect(await codeOf(() => new DatasetBuilder(foreign).build())).toBe("folder-occupied");
    }
  });

  it("refuses splits and shard sizes that make no sense", async () => {
    const all = await options();
    for (const fraction of [-0.1, 1, NaN]) {
      expect(() => new DatasetBuilder({ ...all, split: { by: "tail", fraction } })).toThrow("split of a dataset");
    }
    expect(() => new DatasetBuilder({ ...all, split: { by: "luck" as "tail" } })).toThrow('"by":"luck"');
    for (const shardTokens of [0, 1.5, 2 ** 31]) {
      expect(() => new DatasetBuilder({ ...all, shardTokens })).toThrow("A shard cannot hold");
    }
  });
});

describe("shards", () => {
  const damage = async (change: (shard: Buffer) => Buffer | void): Promise<string> => {
    const all = await options();
    await new DatasetBuilder(all).build();
    const path = join(all.folder, "train_000000.bin");
    const bytes = await readFile(path);
    await writeFile(path, change(bytes) ?? bytes);
    const factory = new DataLoaderFactory({ folder: all.folder });
    const open = factory.create({ split: "train", batch: 1, sequenceLength: 4, shuffle: false, repeat: false });
    const error = await open.catch((thrown: unknown) => thrown);
    expect(PipeError.is(error, "shard-damaged")).toBe(true);
    expect(String(error)).toContain(path);
    return String(error);
  };

  it("are refused when torn, of another magic, version or count", async () => {
    expect(await damage((shard) => shard.subarray(0, 1500))).toContain("1500 bytes");
    expect(await damage((shard) => shard.subarray(0, 100))).toContain("100 bytes");
    expect(await damage((shard) => void shard.writeInt32LE(7, 0))).toContain("magic 7");
    expect(await damage((shard) => void shard.writeInt32LE(3, 4))).toContain("version 3");
    expect(await damage((shard) => void shard.writeInt32LE(-1, 8))).toContain("-1 tokens");
    const shorter = (shard: Buffer): Buffer => {
      shard.writeInt32LE(10, 8);
      return shard.subarray(0, 1024 + 20);
    };
    expect(await damage(shorter)).toContain("as in index.json");
  });

  it("of two widths do not mix", async () => {
    const small = await options();
    const large = await options({ tokenizer: await createGptTokenizer("cl100k_base") });
    await new DatasetBuilder(small).build();
    await new DatasetBuilder(large).build();
    const paths = [small, large].map(({ folder }) => join(folder, "train_000000.bin"));
    const factory = new DataLoaderFactory({ shards: { train: paths } });
    const create = () => factory.create({ split: "train", batch: 1, sequenceLength: 4, shuffle: false, repeat: false });
    expect(await codeOf(create)).toBe("shard-damaged");
  });
});

describe("readDatasetIndex", () => {
  it.each([
    ["{}", "dataset-damaged"],
    ["null", "dataset-damaged"],
    ["[", "dataset-damaged"],
    ['{"format":"pipe-dataset","version":2}', "dataset-newer"],
  ])("refuses %s", async (content, code) => {
    const folder = await folderOf({ "index.json": content });
    expect(await codeOf(() => readDatasetIndex(folder))).toBe(code);
  });

  it("says that a dataset is missing", async () => {
    expect(await codeOf(() => readDatasetIndex("/nowhere"))).toBe("dataset-missing");
    expect(existsSync("/nowhere")).toBe(false);
  });
});

describe("DocumentTable", () => {
  it("finds each token's document among thousands, and their ids", async () => {
    const folder = await folderOf({});
    const writer = new DocumentTableWriter(folder, "train");
    const begins = Array.from({ length: 10_000 }, (_, n) => n * 3 + (n % 2));
    for (const [n, begin] of begins.entries()) writer.add(n % 3 === 0 ? "" : `id\n${n}é`, begin);
    writer.end(30_000);
    writer[Symbol.dispose]();
    const table = new DocumentTable(folder, "train", 10_000);
    for (const n of [0, 1, 63, 64, 65, 127, 128, 5000, 9998, 9999]) {
      expect([table.find(begins[n]!), table.find((begins[n + 1] ?? 30_000) - 1)]).toEqual([n, n]);
      expect(table.at(n)).toEqual({
        id: n % 3 === 0 ? "" : `id\n${n}é`,
        begin: begins[n]!,
        end: begins[n + 1] ?? 30_000,
      });
    }
    table[Symbol.dispose]();
    await copyFile(join(folder, "train_documents.bin"), join(folder, "other_documents.bin"));
    await copyFile(join(folder, "train_ids.txt"), join(folder, "other_ids.txt"));
    expect(() => new DocumentTable(folder, "other", 9)).toThrow("160 bytes for 9 documents");
  });
});
