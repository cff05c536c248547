import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type IEmbedder, PipeError, type SourceDocument } from "@pipe/core";
import { documentIndexerContract, embedderContract } from "@pipe/core/testing";
import { describe, expect, it } from "vitest";
import { IndexingStrategy, type Piece } from "./indexing-strategy.ts";
import { MarkdownIndexer, type MarkdownIndexerOptions } from "./markdown-indexer.ts";
import type { MarkdownDocument } from "./markdown-document.ts";
import { SectionStrategy } from "./section-strategy.ts";
import { torture } from "./torture.test.fixture.ts";
import { TrigramEmbedder } from "./trigram-embedder.test.fixture.ts";

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "pipe-indexer-"));

async function* stream(files: { readonly [id: string]: string }): AsyncGenerator<SourceDocument> {
  for (const [id, text] of Object.entries(files)) yield { id, path: id, text, cursor: id };
}

async function open(over: Partial<MarkdownIndexerOptions> = {}): Promise<MarkdownIndexer> {
  return MarkdownIndexer.open({ folder: await newFolder(), worker: false, ...over });
}

async function codeOf(action: () => Promise<unknown>): Promise<string> {
  const error = await action().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return PipeError.is(error) ? error.code : String(error);
}

const files = {
  "animals.md": "# Animals\n\nCats purr and dogs bark.\n",
  "sky.md": "# Sky\n\nThe planets circle the sun.\n",
  "torture.md": torture,
};

describe.each([
  ["with an embedder", () => ({ embedder: new TrigramEmbedder() })],
  ["with an embedder, in threads", () => ({ embedder: new TrigramEmbedder(), worker: true })],
  ["without an embedder", () => ({})],
])("MarkdownIndexer %s", (_, over) => {
  documentIndexerContract(
    async () => {
      const indexer = await open(over());
      return { indexer, close: () => indexer[Symbol.asyncDispose]() };
    },
    { describe, it, expect },
  );
});

describe("TrigramEmbedder", () => embedderContract(() => new TrigramEmbedder(), { describe, it, expect }));

describe("MarkdownIndexer", () => {
  it("refuses documents of programs without types that lack what they need", async () => {
    const indexer = await open({});
    for (const document of [{ text: "x" }, { id: "a.md" }, { id: 7, text: "x" }]) {
      const documents = (async function* () {
        yield { ...document, cursor: null } as never;
      })();
      expect(await codeOf(() => indexer.index(documents))).toBe("document-invalid");
    }
    await indexer[Symbol.asyncDispose]();
  });

  it.each([[true], [false]])("says whose front matter cannot be read, in threads: %s", async (worker) => {
    const indexer = await open({ worker });
    const torn = "---\ntitle: a: b\n---\n\n# Tea\n\nGreen tea.\n";
    const twice = (async function* () {
      yield* stream({ "a.md": torn, "b.md": "---\ntitle: b\n---\n\nblack tea\n", "c.md": torn });
      yield* stream({ "c.md": "mended tea" });
    })();
    const report = await indexer.index(twice);
    expect(report).toMatchObject({ failures: [], warnings: [{ id: "a.md" }] });
    expect(report.warnings[0]!.message).toMatch(/^its front matter is no YAML.*Nested mappings.*column \d+$/);
    expect((await indexer.search("tea", { mode: "lexical" })).map(({ id }) => id).sort()).toEqual([
      "a.md",
      "b.md",
      "c.md",
    ]);
    expect((await indexer.index(stream({ "a.md": torn }))).warnings).toEqual([]);
    await indexer[Symbol.asyncDispose]();
  });

  it("gives each version of a document that comes twice its own vectors", async () => {
    const indexer = await open({ embedder: new TrigramEmbedder() });
    const sky = "The planets circle the sun.";
    await indexer.index(stream({ "sky.md": sky }));
    const twice = (async function* () {
      yield* stream({ "a.md": "Cats purr and dogs bark." });
      yield* stream({ "a.md": sky });
    })();
    await indexer.index(twice);
    const [cats] = await indexer.search("Cats purr and dogs bark.", { mode: "vector" });
    expect(cats!.score).toBeLessThan(0.9);
    const [planets] = await indexer.search(sky, { mode: "vector" });
    expect(planets).toMatchObject({ score: expect.closeTo(1, 5) as number, same: [{ line: 1 }] });
    await indexer[Symbol.asyncDispose]();
  });

  it("keeps the last version of a document that comes twice, the stored one too", async () => {
    const indexer = await open();
    await indexer.index(stream({ "a.md": "first" }));
    const twice = (async function* () {
      yield* stream({ "a.md": "second" });
      yield* stream({ "a.md": "first" });
    })();
    expect(await indexer.index(twice)).toMatchObject({ documents: 2, unchanged: 0 });
    expect((await indexer.get("a.md"))!.text).toBe("first");
    await indexer[Symbol.asyncDispose]();
  });

  it("finds by meaning what shares no word with the query", async () => {
    const indexer = await open({ embedder: new TrigramEmbedder() });
    await indexer.index(stream(files));
    expect(await indexer.search("planetary", { mode: "lexical" })).toEqual([]);
    expect((await indexer.search("planetary", { mode: "vector" }))[0]).toMatchObject({
      id: "sky.md",
      heading: ["Sky"],
      line: 1,
    });
    expect((await indexer.search("planetary"))[0]!.id).toBe("sky.md");
    await indexer[Symbol.asyncDispose]();
  });

  it("says that it has no embedder", async () => {
    const indexer = await open();
    await indexer.index(stream(files));
    for (const mode of ["vector", "hybrid"] as const) {
      expect(await codeOf(() => indexer.search("cats", { mode }))).toBe("embedder-missing");
    }
    expect((await indexer.search("cats"))[0]!.id).toBe("animals.md");
    await indexer[Symbol.asyncDispose]();
  });

  it("refuses limits that are none", async () => {
    const indexer = await open();
    for (const limit of [0, -1, 1.5, NaN])
      expect(await codeOf(() => indexer.search("x", { limit }))).toBe("search-options-invalid");
    await indexer[Symbol.asyncDispose]();
  });

  it("embeds unchanged documents again when the model has moved on, and forgets the older step", async () => {
    const folder = await newFolder();
    const first = await open({ folder, embedder: new TrigramEmbedder({ step: 1 }) });
    await first.index(stream(files));
    await first[Symbol.asyncDispose]();

    const embedder = new TrigramEmbedder({ step: 2 });
    const second = await open({ folder, embedder });
    // Until they are made anew, vectors of the older step stand in, and say so.
    const [stale] = await second.search("cats", { mode: "vector", explain: true });
    expect(stale).toMatchObject({ id: "animals.md", stale: { step: 1 }, explain: { vector: { step: 1 } } });
    embedder.embedded = 0;
    expect(await second.index(stream({ "sky.md": files["sky.md"] }))).toMatchObject({ documents: 1, unchanged: 1 });
    const { chunks, vectors, spaces } = await second.status();
    expect([embedder.embedded, vectors]).toEqual([chunks, chunks]);
    expect(spaces).toEqual([{ id: "trigrams", step: 2, dimensions: 256, vectors: chunks }]);
    expect((await second.search("cats"))[0]!.stale).toBeUndefined();
    await second[Symbol.asyncDispose]();
  });

  it("embeds for a bounded time, the oldest first, and finds by the vectors of all steps", async () => {
    const folder = await newFolder();
    const pages = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i + 10}.md`, `# T${i}\n\nword${i}\n`]));
    const at = async (step: number, embedFor?: number): Promise<MarkdownIndexer> => {
      const real = new TrigramEmbedder({ step });
      const slow: IEmbedder = { space: real.space, embed: async (texts) => (await pause(30), real.embed(texts)) };
      const indexer = await open({ folder, embedder: slow });
      await indexer.index(stream(step === 1 ? pages : {}), embedFor === undefined ? {} : { embedFor });
      return indexer;
    };
    const spacesOf = async (indexer: MarkdownIndexer): Promise<unknown> =>
      (await indexer.status()).spaces.map(({ step, vectors }) => [step, vectors]);
    // A batch of eight takes longer than there is time.
    expect(await spacesOf(await at(1, 1))).toEqual([[1, 8]]);
    expect(await spacesOf(await at(2, 1))).toEqual([
      [1, 8],
      [2, 8],
    ]);
    const third = await at(3, 1);
    expect(await spacesOf(third)).toEqual([
      [1, 4],
      [2, 8],
      [3, 8],
    ]);
    for (const mode of ["vector", "hybrid"] as const) {
      const [hit] = await third.search("word9", { mode });
      expect(hit).toMatchObject({ path: "19.md", stale: { step: 2 } });
    }
    const last = await at(4);
    expect(await spacesOf(last)).toEqual([[4, 20]]);
    expect(await spacesOf(await at(4, 0))).toEqual([[4, 20]]);
  });

  it("never compares vectors of different spaces", async () => {
    const folder = await newFolder();
    const one = await open({ folder, embedder: new TrigramEmbedder({ id: "one" }) });
    await one.index(stream({ "a.md": "alpha" }));
    const two = await open({ folder, embedder: new TrigramEmbedder({ id: "two", dimensions: 64 }) });
    const error = await two.search("alpha", { mode: "vector" }).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("two (64)");
    expect(String(error)).toContain("one (256)");
    await two.index(stream({}));
    expect((await one.status()).spaces).toHaveLength(2);
    expect((await one.search("alpha", { mode: "vector" })).length).toBe(1);
    expect((await two.search("alpha", { mode: "vector" })).length).toBe(1);
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
  });

  it("finds nothing by vector in an empty index, and says so where vectors are missing", async () => {
    const folder = await newFolder();
    const lexical = await open({ folder });
    const indexer = await open({ folder, embedder: new TrigramEmbedder() });
    expect(await indexer.search("cats", { mode: "vector" })).toEqual([]);
    await lexical.index(stream(files));
    const error = await indexer.search("cats", { mode: "vector" }).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("no vectors");
    await lexical[Symbol.asyncDispose]();
    await indexer[Symbol.asyncDispose]();
  });

  it("reports documents that fail and indexes the others", async () => {
    class Picky extends IndexingStrategy {
      readonly id = "picky";
      protected cut(document: MarkdownDocument): readonly Piece[] {
        if (document.source.includes("planets")) throw new Error("no planets");
        return new SectionStrategy().chunk(document);
      }
    }
    const indexer = await open({ strategy: new Picky() });
    const report = await indexer.index(stream(files), { prune: true });
    expect(report.failures).toEqual([{ id: "sky.md", message: "no planets" }]);
    expect((await indexer.status()).documents).toBe(2);
    const { "sky.md": _, ...others } = files;
    expect(await indexer.index(stream(others))).toMatchObject({ removed: 0, failures: [] });
    expect((await indexer.status()).failures).toHaveLength(1);
    // What is gone cannot be mended.
    expect(await indexer.index(stream(others), { prune: true })).toMatchObject({ removed: 0, failures: [] });
    expect((await indexer.status()).failures).toEqual([]);
    await indexer[Symbol.asyncDispose]();
  });

  it("leaves out a document that takes too long to parse, and stays free meanwhile", async () => {
    const indexer = await open({ worker: true, strategy: { kind: "section", tokens: 64 }, timeLimit: 500 });
    // Time grows with the square of the depth and more.
    const deep = Array.from({ length: 1_500 }, (_, i) => `${"  ".repeat(i)}- x\n`).join("");
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const report = await indexer.index(stream({ "deep.md": deep, ...files }));
    clearInterval(timer);
    expect(report.failures).toEqual([{ id: "deep.md", message: expect.stringContaining("took too long") }]);
    expect(turns).toBeGreaterThan(20);
    expect((await indexer.search("planets"))[0]!.path).toBe("sky.md");
    await indexer[Symbol.asyncDispose]();
  });

  it("refuses a strategy that makes no sense", async () => {
    expect(await codeOf(() => open({ strategy: { kind: "section", tokens: -1 } }))).toBe("strategy-invalid");
  });

  it("cuts again what another strategy cut", async () => {
    const folder = await newFolder();
    const coarse = await open({ folder });
    await coarse.index(stream(files));
    const before = (await coarse.status()).chunks;
    await coarse[Symbol.asyncDispose]();
    const fine = await open({ folder, strategy: { kind: "section", tokens: 20 } });
    expect((await fine.index(stream(files))).unchanged).toBe(0);
    expect((await fine.status()).chunks).toBeGreaterThan(before);
    await fine[Symbol.asyncDispose]();
  });

  it.each([
    ["throws for it", (vectors: Float32Array[]) => void vectors, true],
    ["gives numbers that are not finite", (vectors: Float32Array[]) => void (vectors[0]![0] = NaN), false],
    ["gives vectors of another size", (vectors: Float32Array[]) => void (vectors[0] = new Float32Array(3)), false],
    ["gives too few", (vectors: Float32Array[]) => void vectors.pop(), false],
    ["gives nothing in one's place", (vectors: Float32Array[]) => void (vectors[0] = undefined as never), false],
  ])("reports a document whose embedder %s, and finds it by words", async (_, spoil, throws) => {
    const real = new TrigramEmbedder();
    const embedder: IEmbedder = {
      space: real.space,
      async embed(texts, signal) {
        const vectors = [...(await real.embed(texts, signal))];
        if (!texts.some((text) => text.includes("planets"))) return vectors;
        if (throws) throw new Error("no planets");
        spoil(vectors);
        return vectors;
      },
    };
    const indexer = await open({ embedder });
    const report = await indexer.index(stream(files));
    expect(report.failures.map(({ id }) => id)).toEqual(["sky.md"]);
    expect(report.failures[0]!.message).toContain(throws ? "no planets" : "no proper vectors");
    expect((await indexer.search("planets", { mode: "lexical" }))[0]!.id).toBe("sky.md");
    expect((await indexer.search("cats", { mode: "vector" }))[0]!.id).toBe("animals.md");
    await indexer[Symbol.asyncDispose]();
  });

  it("finds nothing, without an error, where a filter lets no vector of an older step through", async () => {
    const folder = await newFolder();
    const old = await open({ folder, embedder: new TrigramEmbedder({ step: 1 }) });
    await old.index(stream(files));
    await old[Symbol.asyncDispose]();
    const newer = await open({ folder, embedder: new TrigramEmbedder({ step: 2 }) });
    expect(await newer.search("cats", { mode: "vector" })).not.toEqual([]);
    expect(await newer.search("cats", { mode: "vector", filter: { path: "none.md" } })).toEqual([]);
    await newer[Symbol.asyncDispose]();
  });

  it("keeps what was stored before the stream failed", async () => {
    const indexer = await open();
    const failing = async function* (): AsyncGenerator<SourceDocument> {
      yield* stream(files);
      throw new Error("source failed");
    };
    await expect(indexer.index(failing())).rejects.toThrow("source failed");
    expect((await indexer.status()).documents).toBe(3);
    await indexer[Symbol.asyncDispose]();
  });

  it("indexes more documents than one transaction holds, and takes any id", async () => {
    const indexer = await open();
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`it's "${n}"`, `number${n}`]));
    expect((await indexer.index(stream(many))).documents).toBe(70);
    expect((await indexer.search("number69"))[0]!.path).toBe('it\'s "69"');
    const pathless = async function* (): AsyncGenerator<SourceDocument> {
      yield { id: "only-id", text: "pathless", cursor: null };
    };
    await indexer.index(pathless());
    expect((await indexer.search("pathless"))[0]).toMatchObject({ id: "only-id", path: "only-id", heading: [] });
    await indexer[Symbol.asyncDispose]();
  });

  it("refuses work after it was closed", async () => {
    const indexer = await open();
    await indexer[Symbol.asyncDispose]();
    await indexer[Symbol.asyncDispose]();
    expect(await codeOf(() => indexer.search("x"))).toBe("index-closed");
    expect(await codeOf(() => indexer.index(stream(files)))).toBe("index-closed");
  });
});

describe("the file of an index", () => {
  it("is only made when asked to", async () => {
    const folder = join(await newFolder(), "deep", "er");
    expect(await codeOf(() => MarkdownIndexer.open({ folder, create: false }))).toBe("index-missing");
    await (await MarkdownIndexer.open({ folder }))[Symbol.asyncDispose]();
    await (await MarkdownIndexer.open({ folder, create: false }))[Symbol.asyncDispose]();
  });

  it("is refused when it is no database, someone else's, or newer; and left as it is", async () => {
    const folder = await newFolder();
    const path = join(folder, "index.sqlite");
    await writeFile(path, "no database at all ".repeat(100));
    expect(await codeOf(() => open({ folder }))).toBe("index-damaged");
    expect(await readFile(path, "utf8")).toBe("no database at all ".repeat(100));

    const foreign = await newFolder();
    const database = new DatabaseSync(join(foreign, "index.sqlite"));
    database.exec("CREATE TABLE mine (x)");
    database.close();
    expect(await codeOf(() => open({ folder: foreign }))).toBe("index-foreign");

    const newer = await newFolder();
    await (await open({ folder: newer }))[Symbol.asyncDispose]();
    const later = new DatabaseSync(join(newer, "index.sqlite"));
    later.exec("PRAGMA user_version = 3");
    later.close();
    expect(await codeOf(() => open({ folder: newer }))).toBe("index-newer");
    const earlier = new DatabaseSync(join(newer, "index.sqlite"));
    earlier.exec("PRAGMA user_version = 1");
    earlier.close();
    expect(await codeOf(() => open({ folder: newer }))).toBe("index-older");
  });

  it("notices a flipped bit in a vector", async () => {
    const folder = await newFolder();
    const indexer = await open({ folder, embedder: new TrigramEmbedder() });
    await indexer.index(stream(files));
    const database = new DatabaseSync(join(folder, "index.sqlite"));
    const { vector } = database.prepare("SELECT vector FROM vectors WHERE chunk = 1").get() as { vector: Uint8Array };
    vector[5]! ^= 1;
    database.prepare("UPDATE vectors SET vector = ? WHERE chunk = 1").run(vector);
    database.close();
    const error = await indexer.search("cats", { mode: "vector" }).catch((thrown: unknown) => thrown);
    expect(PipeError.is(error, "index-damaged")).toBe(true);
    expect(String(error)).toContain("passage 1");
    await indexer[Symbol.asyncDispose]();
  });

  it("is searched by another process while this one writes", async () => {
    const folder = await newFolder();
    const indexer = await open({ folder });
    await indexer.index(stream(files));
    const entry = new URL("./index.ts", import.meta.url).href;
    const script = `
      const { MarkdownIndexer } = await import(${JSON.stringify(entry)});
      const indexer = await MarkdownIndexer.open({ folder: ${JSON.stringify(folder)}, create: false });
      console.log((await indexer.search("planets"))[0].id);
      await indexer[Symbol.asyncDispose]();`;
    const run = async (): Promise<string> => {
      const child = spawn(process.execPath, ["--conditions=@pipe/source", "--input-type=module", "-e", script]);
      let output = "";
      child.stdout.on("data", (data) => (output += String(data)));
      child.stderr.on("data", (data) => (output += String(data)));
      await once(child, "close");
      return output;
    };
    const database = new DatabaseSync(join(folder, "index.sqlite"));
    database.exec("BEGIN IMMEDIATE; DELETE FROM documents WHERE id = 'animals.md'");
    expect(await run()).toContain("sky.md");
    database.exec("ROLLBACK");
    database.close();
    await indexer[Symbol.asyncDispose]();
  });
});
