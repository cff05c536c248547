import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { type Cursor, type IDataSource, PipeError, type SourceDocument } from "@pipe/core";
import { dataSourceContract } from "@pipe/core/testing";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, describe, expect, it } from "vitest";
import { ChemPileDataSource } from "./chempile-data-source.ts";
import { definitions } from "./definitions.ts";
import { folderOf } from "./folder-of.test.fixture.ts";
import { HuggingFaceDataSource, type HuggingFaceDataSourceOptions } from "./hugging-face-data-source.ts";
import { ParquetDataSource } from "./parquet-data-source.ts";

type Codec = "SNAPPY" | "GZIP" | "BROTLI" | "ZSTD" | "UNCOMPRESSED";

/** A file of texts and ids, in row groups of two. */
function parquet(texts: readonly (string | null)[], codec: Codec = "SNAPPY", rowGroupSize = 2): Uint8Array {
  const compressors = {
    GZIP: (input: Uint8Array) => gzipSync(input),
    BROTLI: (input: Uint8Array) => brotliCompressSync(input),
    ZSTD: (input: Uint8Array) => zstdCompressSync(input),
  };
  const columnData = [
    { name: "text", data: [...texts], type: "STRING" as const },
    { name: "number", data: texts.map((_, i) => BigInt(i)), type: "INT64" as const },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, codec, compressors, rowGroupSize }));
}

async function all(source: IDataSource, from?: Cursor): Promise<SourceDocument[]> {
  const documents: SourceDocument[] = [];
  for await (const document of source.documents(from)) documents.push(document);
  return documents;
}

const codeOf = (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => "nothing was thrown",
    (error: unknown) => (PipeError.is(error) ? error.code : String(error)),
  );

const folder = await folderOf({
  "b.parquet": parquet(["d", null, "f"]),
  "a/one.parquet": parquet(["a", "b \ud800", "c"]),
});

describe("ParquetDataSource", () => {
  describe("a folder", () =>
    dataSourceContract(() => new ParquetDataSource({ path: folder }), { describe, it, expect }));

  it("reads files in order, a row a document, with the ids of a column where one is named", async () => {
    const documents = await all(new ParquetDataSource({ path: folder }));
    expect(documents.map(({ id, text }) => [id, text])).toEqual([
      ["a/one.parquet:0", "a"],
      ["a/one.parquet:1", "b \ufffd"],
      ["a/one.parquet:2", "c"],
      ["b.parquet:0", "d"],
      ["b.parquet:1", ""],
      ["b.parquet:2", "f"],
    ]);
    const named = await all(new ParquetDataSource({ path: join(folder, "b.parquet"), idField: "number" }));
    expect(named.map(({ id }) => id)).toEqual(["0", "1", "2"]);
  });

  it.each(["SNAPPY", "GZIP", "BROTLI", "ZSTD", "UNCOMPRESSED"] as const)("reads %s", async (codec) => {
    const texts = Array.from({ length: 2500 }, (_, i) => `text ${i}`);
    const path = join(await folderOf({ "x.parquet": parquet(texts, codec, 2500) }), "x.parquet");
    const documents = await all(new ParquetDataSource({ path }));
    expect(documents.map(({ text }) => text)).toEqual(texts);
    expect(await all(new ParquetDataSource({ path }), documents[1700]!.cursor)).toEqual(documents.slice(1701));
  });

  it("says what is wrong with a file or with the options", async () => {
    const torn = await folderOf({ "x.parquet": parquet(["a", "b"]) });
    await truncate(join(torn, "x.parquet"), 60);
    expect(await codeOf(all(new ParquetDataSource({ path: torn })))).toBe("parquet-damaged");
    const error = await all(new ParquetDataSource({ path: folder, field: "body" })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "field-missing", message: expect.stringContaining('"text", "number"') });
    expect(await codeOf(all(new ParquetDataSource({ path: folder, field: "number" })))).toBe("field-missing");
    expect(await codeOf(all(new ParquetDataSource({ path: join(folder, "b.parquet"), idField: "text" })))).toBe(
      "field-missing",
    );
    expect(await codeOf(all(new ParquetDataSource({ path: join(folder, "no") })))).toBe("source-missing");
    const flipped = parquet(["long ".repeat(200), "b"], "ZSTD");
    flipped.fill(255, 10, 60);
    expect(await codeOf(all(new ParquetDataSource({ path: await folderOf({ "x.parquet": flipped }) })))).toBe(
      "parquet-damaged",
    );
  });
});

/** What a stand-in for the hub does with the next requests, instead of answering well. */
type Fault = { status?: number; cut?: number; noRange?: boolean };
const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));

async function hub(files: readonly Uint8Array[], faults: Fault[] = []) {
  const asked: { url: string; range: string | undefined; authorization: string | undefined }[] = [];
  const store = await folderOf(Object.fromEntries(files.map((bytes, i) => [`${i}.parquet`, bytes])));
  const server = createServer((request, response) => {
    const { url = "", headers } = request;
    asked.push({ url, range: headers.range, authorization: headers.authorization });
    const fault = faults.shift() ?? {};
    if (fault.status !== undefined) return response.writeHead(fault.status).end("fault");
    const name = /\/files\/(\d+\.parquet)$/.exec(url)?.[1];
    if (url.startsWith("/api/")) {
      if (!url.startsWith("/api/datasets/me/set/parquet/")) return response.writeHead(404).end("no such dataset");
      const list = url.endsWith("/empty") ? [] : files.map((_, i) => `http://${headers.host}/files/${i}.parquet`);
      return response.end(JSON.stringify(list));
    }
    void stat(join(store, name!)).then(({ size }) => {
      const start = fault.noRange === true ? 0 : Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
      if (start >= size) return response.writeHead(416).end();
      response.writeHead(start > 0 ? 206 : 200, { "content-length": size - start });
      const stream = createReadStream(join(store, name!), { start });
      if (fault.cut === undefined) return stream.pipe(response);
      return response.write(Buffer.from(files[Number.parseInt(name!, 10)]!.subarray(0, fault.cut)), () =>
        response.socket!.end(),
      );
    });
    return undefined;
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cache = await folderOf({});
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const source = (more: Partial<HuggingFaceDataSourceOptions> = {}): HuggingFaceDataSource =>
    new HuggingFaceDataSource({ dataset: "me/set", cache, endpoint, ...more });
  return { asked, cache, endpoint, source };
}

const parts = [parquet(["a", "b"]), parquet(["c", "d", "e"])];

describe("HuggingFaceDataSource", () => {
  describe("a dataset of two files", () => {
    const made = hub(parts);
    dataSourceContract(async () => (await made).source(), { describe, it, expect });
  });

  it("downloads a file when the stream comes to it, once, and leaves what is before the cursor", async () => {
    const { asked, source, cache } = await hub(parts);
    const files = (): string[] => asked.map(({ url }) => url).filter((url) => url.startsWith("/files"));
    const first = (await source().documents()[Symbol.asyncIterator]().next()).value as SourceDocument;
    expect([first.id, files()]).toEqual(["default/train/0.parquet:0", ["/files/0.parquet"]]);
    const documents = await all(source({ token: "secret" }));
    expect(documents.map(({ text }) => text).join("")).toBe("abcde");
    expect(files()).toEqual(["/files/0.parquet", "/files/1.parquet"]);
    expect(asked.at(-1)!.authorization).toBe("Bearer secret");
    expect(await readdir(join(cache, "me/set/default/train"))).toEqual(["0.parquet", "1.parquet"]);
    const late = await hub(parts);
    expect(await all(late.source(), documents[2]!.cursor)).toEqual(documents.slice(3));
    expect(late.asked.map(({ url }) => url)).toEqual([expect.stringContaining("/api/"), "/files/1.parquet"]);
    expect((await all(source({ files: 1 }))).map(({ text }) => text).join("")).toBe("ab");
  });

  it("goes on where a download broke off, and tries again where the hub is busy", async () => {
    const big = [parquet(Array.from({ length: 400 }, (_, i) => createHash("sha256").update(`${i}`).digest("hex")))];
    const { asked, source } = await hub(big, [{}, { cut: 1000 }, { status: 503 }, { status: 429 }]);
    expect(await all(source())).toHaveLength(400);
    expect(asked).toHaveLength(5);
    // What a run that was stopped has left.
    const stopped = await hub(big);
    await mkdir(join(stopped.cache, "me/set/default/train"), { recursive: true });
    await writeFile(join(stopped.cache, "me/set/default/train/0.parquet.part"), big[0]!.subarray(0, 1000));
    expect(await all(stopped.source())).toHaveLength(400);
    expect(stopped.asked.at(-1)!.range).toBe("bytes=1000-");
  });

  it("begins anew where the rest cannot be had", async () => {
    const { source } = await hub(parts, [{}, { cut: 20 }, { noRange: true }]);
    expect(await all(source())).toHaveLength(5);
    const longer = await hub(parts);
    await longer.source({ files: 1 }).documents()[Symbol.asyncIterator]().next();
    const place = join(longer.cache, "me/set/default/train/1.parquet.part");
    await writeFile(place, new Uint8Array(100_000));
    expect(await all(longer.source())).toHaveLength(5);
  });

  it("gives up with what the hub said", async () => {
    const gone = await hub(parts, [{}, { status: 403 }]);
    await expect(all(gone.source())).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("403 fault"),
    });
    const down = await hub(parts, [{}, ...Array.from({ length: 5 }, () => ({ status: 500 }))]);
    expect(await codeOf(all(down.source()))).toBe("download-failed");
    expect(await codeOf(all(down.source()))).toBe("nothing was thrown");
    expect(await codeOf(all(gone.source({ dataset: "me/other" })))).toBe("download-failed");
    expect(await codeOf(all(gone.source({ split: "empty" })))).toBe("source-empty");
    expect(await codeOf(all(gone.source({ endpoint: "http://127.0.0.1:1" })))).toBe("download-failed");
    const busy = await hub(parts, [{ status: 503 }]);
    expect(await codeOf(all(busy.source()))).toBe("download-failed");
    expect(() => gone.source({ dataset: "set" })).toThrow("owner/name");
  });
});

describe("ChemPileDataSource", () => {
  it("reads a collection of the hub", async () => {
    const { asked, cache, endpoint } = await hub(parts);
    const source = new ChemPileDataSource({ cache, endpoint, subset: "reasoning", config: "c", split: "val" });
    await expect(source.describe()).rejects.toMatchObject({ code: "download-failed" });
    expect(asked[0]!.url).toBe("/api/datasets/jablonkagroup/chempile-reasoning/parquet/c/val");
  });

  it("reads a part that is on disk, in Parquet or JSON lines, not in both", async () => {
    const source = new ChemPileDataSource({ path: folder });
    expect((await all(source)).map(({ text }) => text)[0]).toBe("a");
    expect(await source.describe()).toMatchObject({ kind: "chempile", files: 2 });
    const lines = await folderOf({ "x.jsonl": '{"body":"x"}\n{"body":"y"}\n' });
    expect((await all(new ChemPileDataSource({ path: lines, field: "body" }))).map(({ text }) => text)).toEqual([
      "x",
      "y",
    ]);
    const mixed = await folderOf({ "x.jsonl": "{}", "y.parquet": parquet(["a", "b"]) });
    const error = await all(new ChemPileDataSource({ path: mixed })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "source-mixed", fix: expect.stringContaining("**/*.parquet") });
    await expect(all(new ChemPileDataSource({ path: `${mixed}/*` }))).rejects.toMatchObject({
      fix: expect.stringContaining("narrow"),
    });
    expect(await codeOf(all(new ChemPileDataSource({ path: join(mixed, "no") })))).toBe("source-missing");
  });

  it("asks for a folder to keep downloads in", () => {
    expect(() => new ChemPileDataSource()).toThrow(expect.objectContaining({ code: "cache-missing" }));
  });
});

describe("the definitions", () => {
  it("make these sources", async () => {
    const make = async (config: { readonly kind: string; readonly [field: string]: unknown }): Promise<IDataSource> => {
      const definition = definitions.find(({ kind }) => kind === config.kind)!;
      return (await definition.create(definition.schema.parse(config) as never, undefined as never)) as IDataSource;
    };
    expect(await all(await make({ kind: "parquet", path: folder }))).toHaveLength(6);
    expect(await all(await make({ kind: "chempile", path: folder }))).toHaveLength(6);
    const { endpoint, cache } = await hub(parts);
    expect(await all(await make({ kind: "huggingface", dataset: "me/set", endpoint, cache }))).toHaveLength(5);
    await expect(make({ kind: "huggingface", dataset: "set" })).rejects.toThrow("dataset");
  });
});
