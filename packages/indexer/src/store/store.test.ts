import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type IEmbedder, PipeError } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { codeOf, stream, temporaryFolders, withIndexer } from "../index-folder.test.fixture.ts";
import { IndexManager } from "../index-manager.ts";
import { SectionStrategy } from "../section-strategy.ts";
import { TrigramEmbedder } from "../trigram-embedder.test.fixture.ts";
import { sqliteError } from "./sqlite-error.ts";
import { decodeVector, encodeVector } from "./stored-vector.ts";
import { WriterLock } from "./writer-lock.ts";

const newFolder = temporaryFolders();

const pages = Object.fromEntries(
  Array.from({ length: 30 }, (_, n) => [
    `page${n}.md`,
    `# Page ${n}\n\n${Array.from({ length: 4 }, (_, part) => `## Part ${part}\n\n${`word${n} part${part} `.repeat(25)}\n`).join("\n")}`,
  ]),
);

/** Runs SQL on the file of an index, behind its back. */
function meddle(folder: string, body: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(folder, "index.sqlite"));
  try {
    body(database);
  } finally {
    database.close();
  }
}

const problemsOf = (folder: string): Promise<readonly string[]> =>
  withIndexer({ folder, create: false }, async (indexer) => (await indexer.store.verify()).problems);

describe("asking while somebody writes", () => {
  it("is answered by a second connection, which is opened again where it could not be", async () => {
    const folder = await newFolder();
    await withIndexer({ folder, worker: true }, async (indexer) => {
      await indexer.index(stream({ "a.md": "one" }));
      const { store } = indexer;
      await store.writing("testing", async (write) => {
        const file = join(folder, "index.sqlite");
        await rename(file, `${file}.away`);
        const failing = codeOf(() => write("compact"));
        expect(await codeOf(() => store.read("status"))).toBe("index-missing");
        expect(await failing).not.toBe(undefined);
        await rename(`${file}.away`, file);
        void write("compact");
        expect((await indexer.search("one")).map(({ path }) => path)).toEqual(["a.md"]);
      });
      await indexer.index(stream({ "b.md": "two" }));
      expect((await indexer.search("two")).map(({ path }) => path)).toEqual(["b.md"]);
    });
  });
});

describe("indexing again", () => {
  it("embeds only passages that changed, and keeps vectors of renamed files", async () => {
    const embedder = new TrigramEmbedder();
    await withIndexer({ folder: await newFolder(), embedder }, async (indexer) => {
      await indexer.index(stream(pages));
      const { chunks } = await indexer.status();
      expect(embedder.embedded).toBe(chunks);
      embedder.embedded = 0;
      const changed: { [id: string]: string } = {
        ...pages,
        "page3.md": pages["page3.md"]!.replace(/part2 /, "other "),
      };
      const report = await indexer.index(stream(changed));
      expect([report.embedded, embedder.embedded]).toEqual([1, 1]);
      embedder.embedded = 0;
      const { "page4.md": moved, ...rest } = changed;
      const renamed = await indexer.index(stream({ ...rest, "moved/4.md": moved! }), { prune: true });
      expect([renamed.removed, embedder.embedded]).toEqual([1, 0]);
      const status = await indexer.status();
      expect([status.documents, status.vectors]).toEqual([30, chunks]);
      const hits = await indexer.search("word4", { mode: "vector", filter: { path: "moved/**" } });
      expect(hits.length).toBeGreaterThan(1);
      expect(await indexer.search("word4", { filter: { path: "page4.md" } })).toEqual([]);
    });
  });

  it("finds the older version of a document, with its vectors, until the newer one has its own", async () => {
    const real = new TrigramEmbedder();
    let watch = async (): Promise<void> => {};
    const embedder: IEmbedder = {
      space: real.space,
      embed: async (texts, signal) => {
        await watch();
        return real.embed(texts, signal);
      },
    };
    await withIndexer({ folder: await newFolder(), embedder }, async (indexer) => {
      await indexer.index(stream({ "a.md": "# Alpha\n\nzebras graze\n" }));
      const seen: [number, number, boolean][] = [];
      watch = async () => {
        watch = async () => {};
        const { chunks, vectors } = await indexer.status();
        seen.push([chunks, vectors, (await indexer.get("a.md"))!.text.includes("zebras")]);
      };
      await indexer.index(stream({ "a.md": "# Alpha\n\nlions hunt\n" }));
      expect(seen).toEqual([[1, 1, true]]);
      expect((await indexer.get("a.md"))!.text).toContain("lions");
    });
  });

  it("cuts all documents anew for another strategy, each swapped whole", async () => {
    const folder = await newFolder();
    await withIndexer({ folder, embedder: new TrigramEmbedder() }, (indexer) => indexer.index(stream(pages)));
    const strategy = new SectionStrategy({ tokens: 64 });
    await withIndexer({ folder, embedder: new TrigramEmbedder(), strategy }, async (indexer) => {
      await indexer.index(stream(pages));
      const { chunks, vectors } = await indexer.status();
      expect(chunks).toBe(vectors);
      expect(chunks).toBeGreaterThan(120);
      expect((await indexer.store.verify()).problems).toEqual([]);
    });
  });

  it("goes on where it was stopped", async () => {
    const folder = await newFolder();
    const embedder = new TrigramEmbedder();
    const controller = new AbortController();
    const reason = new Error("enough");
    await withIndexer({ folder, embedder }, async (indexer) => {
      const stopped = indexer.index(stream(pages), {
        signal: controller.signal,
        onProgress: ({ embedded }) => embedded > 0 && controller.abort(reason),
      });
      await expect(stopped).rejects.toBe(reason);
    });
    await withIndexer({ folder, embedder }, async (indexer) => {
      const { documents, vectors } = await indexer.status();
      expect(vectors).toBeGreaterThan(0);
      const report = await indexer.index(stream(pages));
      const after = await indexer.status();
      expect(after).toMatchObject({ documents: 30, vectors: after.chunks });
      expect(vectors).toBeLessThan(after.chunks);
      expect([report.unchanged, report.embedded]).toEqual([documents, after.chunks - vectors]);
    });
  });

  it("remembers what failed, keeps what could not be read, and forgets failures that are mended", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream({ "a.md": "alpha", "b.md": "beta" }));
      const unreadable = new Map([["b.md", "permission denied"]]);
      const report = await indexer.index(stream({ "a.md": "alpha" }), { unreadable, prune: true });
      expect(report).toMatchObject({ removed: 0, failures: [{ id: "b.md", message: "permission denied" }] });
      const failure = { id: "b.md", collection: "default", message: "permission denied" };
      expect(await indexer.status()).toMatchObject({ documents: 2, failures: [failure] });
      await indexer.index(stream({ "b.md": "beta" }));
      expect((await indexer.status()).failures).toEqual([]);
    });
  });
});

describe("the only writer", () => {
  it("is named to the second one, while readers go on", async () => {
    const folder = await newFolder();
    await withIndexer({ folder }, async (first) => {
      await first.index(stream(pages));
      await withIndexer({ folder }, async (second) => {
        await first.store.writing("indexing", async () => {
          const error = await second.index(stream({})).catch((thrown: unknown) => thrown);
          expect(PipeError.is(error, "index-busy")).toBe(true);
          expect(String(error)).toContain(`process ${process.pid}, indexing`);
          expect(await second.search("word7")).not.toEqual([]);
        });
        expect((await second.index(stream({}))).documents).toBe(0);
      });
    });
    await rm(join(folder, "writer.json"));
    const lock = new WriterLock(folder, "testing");
    await rm(join(folder, "writer.json"));
    expect(() => new WriterLock(folder, "testing")).toThrow("an unknown process");
    lock.release();
    expect(() => new WriterLock(join(folder, "nowhere"), "testing")).toThrow("is gone");
  });

  it("gives the lock back where it cannot say who writes", async () => {
    const folder = await newFolder();
    await withIndexer({ folder }, async (indexer) => {
      await mkdir(join(folder, "writer.json"));
      await expect(indexer.index(stream({ "a.md": "a" }))).rejects.toThrow("EISDIR");
      await rm(join(folder, "writer.json"), { recursive: true });
      expect(await indexer.index(stream({ "a.md": "a" }))).toMatchObject({ chunks: 1 });
    });
  });

  it("gives the lock back when it is killed", async () => {
    const folder = await newFolder();
    await withIndexer({ folder }, (indexer) => indexer.index(stream({})));
    const entry = new URL("./writer-lock.ts", import.meta.url).href;
    const script = `const { WriterLock } = await import(${JSON.stringify(entry)});
      globalThis.lock = new WriterLock(${JSON.stringify(folder)}, "holding on"); console.log("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--conditions=@pipe/source", "--input-type=module", "-e", script]);
    await once(child.stdout, "data");
    expect(() => new WriterLock(folder, "testing")).toThrow(`process ${child.pid}, holding on`);
    child.kill("SIGKILL");
    await once(child, "exit");
    new WriterLock(folder, "testing").release();
  });
});

describe("verify and repair", () => {
  it.each([
    ["a vector", "UPDATE vectors SET vector = zeroblob(length(vector)) WHERE chunk = 7", "vector of passage 7", 1],
    ["a vector's length", "UPDATE vectors SET vector = x'00' WHERE chunk = 7", "vector of passage 7", 1],
    ["a passage", "UPDATE chunks SET text = text || 'x' WHERE id = 7", "passage 7 is not", 0],
    ["postings", "UPDATE postings SET data = data || x'00' WHERE term = 'word7'", 'postings of "word7"', 0],
    ["a segment", "UPDATE segments SET lengths = zeroblob(length(lengths))", "list of passages", 0],
    ["a lost segment", "DELETE FROM segments", "is not found by its words", 0],
    ["a lost document", "DELETE FROM documents WHERE id = 'page7.md'", "belongs to nothing", 0],
  ])("%s", async (_, sql, problem, vectors) => {
    const folder = await newFolder();
    await withIndexer({ folder, embedder: new TrigramEmbedder() }, (indexer) => indexer.index(stream(pages)));
    expect(await problemsOf(folder)).toEqual([]);
    meddle(folder, (database) => database.exec(`PRAGMA foreign_keys = OFF; ${sql}`));
    expect((await problemsOf(folder)).join("\n")).toContain(problem);
    const report = await IndexManager.repair(folder, { worker: false });
    expect([report.rewritten, report.vectors]).toEqual([false, vectors]);
    expect(await problemsOf(folder)).toEqual([]);
    await withIndexer({ folder, embedder: new TrigramEmbedder() }, async (indexer) => {
      const again = await indexer.index(stream(pages));
      expect(again.unchanged).toBeGreaterThanOrEqual(29);
      const { documents, chunks, vectors: all } = await indexer.status();
      expect([documents, all]).toEqual([30, chunks]);
      for (const n of [0, 7, 29]) {
        const hits = await indexer.search(`word${n}`, { mode: "lexical", limit: 20 });
        expect(new Set(hits.map(({ path }) => path))).toEqual(new Set([`page${n}.md`]));
      }
      expect((await indexer.store.verify()).problems).toEqual([]);
    });
  });

  it("bytes of the file, wherever they are flipped or cut off", async () => {
    const folder = await newFolder();
    const path = join(folder, "index.sqlite");
    const embedder = new TrigramEmbedder({ dimensions: 64 });
    await withIndexer({ folder, embedder }, async (indexer) => {
      await indexer.index(stream(pages));
      await indexer.store.compact();
    });
    const whole = await readFile(path);
    let noticed = 0;
    for (let turn = 0; turn < 12; turn++) {
      for (const end of ["-wal", "-shm"]) await rm(path + end, { force: true });
      await writeFile(path, whole);
      if (turn % 3 === 2) {
        await truncate(path, Math.floor((whole.length * (turn + 1)) / 14));
      } else {
        const file = await open(path, "r+");
        const at = Math.floor((whole.length * (turn + 0.5)) / 12);
        await file.write(
          Buffer.from(whole.subarray(at, at + 200)).map((byte) => byte ^ 0xff),
          0,
          200,
          at,
        );
        await file.close();
      }
      const before = await problemsOf(folder).catch((error: unknown) => [String(error)]);
      if (before.length > 0) noticed++;
      await IndexManager.repair(folder, { worker: false });
      expect(await problemsOf(folder)).toEqual([]);
      await withIndexer({ folder, embedder }, async (indexer) => {
        await indexer.index(stream(pages), { prune: true });
        expect((await indexer.store.verify()).problems).toEqual([]);
        const { documents, chunks, vectors } = await indexer.status();
        expect([documents, vectors]).toEqual([30, chunks]);
        expect((await indexer.search("word11", { limit: 1 }))[0]!.path).toBe("page11.md");
        expect((await indexer.get("page29.md"))!.text).toBe(pages["page29.md"]);
      });
    }
    // Some bytes belong to nothing.
    expect(noticed).toBeGreaterThan(6);
  });

  it("is followed by readers that were open before", async () => {
    const folder = await newFolder();
    await withIndexer({ folder }, async (indexer) => {
      await indexer.index(stream(pages));
      await indexer.store.compact();
      expect(await indexer.search("word3")).not.toEqual([]);
      const path = join(folder, "index.sqlite");
      await withIndexer({ folder: `${folder}/other` }, (other) => other.index(stream({ "new.md": "brand new" })));
      for (const end of ["-wal", "-shm"]) await rm(path + end, { force: true });
      await rename(join(folder, "other", "index.sqlite"), path);
      expect((await indexer.search("brand"))[0]!.path).toBe("new.md");
      expect(await indexer.search("word3")).toEqual([]);
    });
  });
});

describe("compact", () => {
  it("gives back what was removed, and changes no result", async () => {
    await withIndexer({ folder: await newFolder(), embedder: new TrigramEmbedder() }, async (indexer) => {
      await indexer.index(stream(pages));
      await indexer.remove(Object.keys(pages).slice(0, 20));
      const before = await indexer.search("word25 part2");
      const { bytes } = await indexer.status();
      await indexer.store.compact();
      expect((await indexer.status()).bytes).toBeLessThan(bytes * 0.7);
      expect((await indexer.search("word25 part2")).map(({ path, line }) => [path, line])).toEqual(
        before.map(({ path, line }) => [path, line]),
      );
      expect((await indexer.store.verify()).problems).toEqual([]);
    });
  });
});

describe("export and import", () => {
  it("carry everything to another index", async () => {
    const embedder = new TrigramEmbedder({ step: 4 });
    const lines: string[] = [];
    const documents = { ...pages, "front.md": "---\ntitle: Front\ndate: 2026-01-02\nn: 1\n---\n\nmatter\n" };
    const hits = await withIndexer({ folder: await newFolder(), embedder }, async (indexer) => {
      await indexer.index(stream(documents));
      for await (const line of indexer.store.export()) lines.push(line);
      return indexer.search("word8 part1");
    });
    expect(lines).toHaveLength(32);
    embedder.embedded = 0;
    await withIndexer({ folder: await newFolder(), embedder }, async (indexer) => {
      expect(await indexer.store.import(lines)).toBe(31);
      expect(await indexer.search("word8 part1")).toEqual(hits);
      expect((await indexer.index(stream(documents))).unchanged).toBe(31);
      // Only the query above was embedded.
      expect(embedder.embedded).toBe(1);
      expect((await indexer.get("front.md"))!.metadata).toEqual({ title: "Front", date: "2026-01-02", n: 1 });
      expect((await indexer.store.verify()).problems).toEqual([]);
    });
  });

  it("refuse what is no export, by its line", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      const head = '{"format":"pipe-index","version":1}';
      for (const [lines, line] of [
        [[], 1],
        [["{}"], 1],
        [["null"], 1],
        [["no json"], 1],
        [[head, "", '{"id":1}'], 3],
        [
          [
            head,
            '{"collection":"c","id":"a","path":"a","hash":"h","content":"c","chunks":[{"line":1,"heading":[],"context":"","text":"t","vectors":[{"space":{"id":"s","dimensions":2},"data":"AA=="}]}]}',
          ],
          2,
        ],
      ] as const) {
        const error = await indexer.store.import(lines).catch((thrown: unknown) => thrown);
        expect(PipeError.is(error, "import-invalid")).toBe(true);
        expect(String(error)).toContain(`line ${line}`);
      }
      expect((await indexer.status()).documents).toBe(0);
    });
  });
});

describe("a line of an export", () => {
  const vector = (...numbers: number[]): string => Buffer.from(Float32Array.from(numbers).buffer).toString("base64");
  const space = { id: "s", dimensions: 2 };
  const chunk = { line: 1, heading: ["h"], context: "", text: "t", vectors: [{ space, data: vector(1, 0) }] };
  const document = { collection: "c", id: "a", path: "a", hash: "h", content: "c", chunks: [chunk] };
  const lines = (...documents: unknown[]): string[] => [
    '{"format":"pipe-index","version":1}',
    ...documents.map((each) => JSON.stringify(each)),
  ];

  it.each([
    ["of a document without a name", { ...document, id: null }, "id: null"],
    ["of one with a number for a path", { ...document, path: 7 }, "path: 7"],
    ["with a title that is none", { ...document, title: 7 }, "title: 7"],
    ["with front matter that is none", { ...document, metadata: "draft" }, 'metadata: "draft"'],
    ["without passages", { ...document, chunks: undefined }, "chunks: nothing"],
    ["with a passage at no line", { ...document, chunks: [{ ...chunk, line: "x" }] }, 'chunks: [{"line":"x"'],
    ["with headings that are none", { ...document, chunks: [{ ...chunk, heading: "h" }] }, "chunks: ["],
    [
      "with a space of no dimensions",
      { ...document, chunks: [{ ...chunk, vectors: [{ space: { ...space, dimensions: 0 }, data: "" }] }] },
      "chunks: [",
    ],
    [
      "with a vector that would be found first by every query",
      { ...document, chunks: [{ ...chunk, vectors: [{ space, data: vector(Number.NaN, 0) }] }] },
      "not all numbers are finite",
    ],
    ["that is a number", 5, "got: 5"],
  ])("%s is refused, and nothing of its part is stored", async (_, wrong, got) => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      const error = await indexer.store.import(lines(document, wrong)).catch((thrown: unknown) => thrown);
      expect(PipeError.is(error, "import-invalid")).toBe(true);
      expect(String(error)).toContain(got);
      expect(String(error)).toContain("line 3");
      expect((await indexer.status()).documents).toBe(0);
      expect(await indexer.store.import(lines(document))).toBe(1);
    });
  });
});

describe("a disk that takes no more", () => {
  it("is one clear error, and nothing that was acknowledged is lost", async () => {
    const folder = await newFolder();
    await withIndexer({ folder }, (indexer) => indexer.index(stream({ "kept.md": "kept for good" })));
    const script = join(await newFolder(), "child.mjs");
    const entry = new URL("../index.ts", import.meta.url).href;
    await writeFile(
      script,
      `import { MarkdownIndexer } from ${JSON.stringify(entry)};
      const indexer = await MarkdownIndexer.open({ folder: ${JSON.stringify(folder)} });
      async function* many() {
        for (let n = 0; n < 4000; n++) yield { id: n + ".md", text: ("# " + n + "\\n\\n" + "lorem ipsum " + n).repeat(20), cursor: n };
      }
      await indexer.index(many()).catch((error) => console.log(error.code, error.message.split("\\n").length, error.fix));
      console.log((await indexer.search("kept"))[0].path);
      await indexer[Symbol.asyncDispose]();`,
    );
    // A limit on the size of files is what a full disk looks like to a process: a write that is refused midway.
    const command = ["-c", `ulimit -f 1500; exec "$0" "$@"`, process.execPath, "--conditions=@pipe/source", script];
    // Without stderr, where Node 22 warns of node:sqlite.
    const child = spawn("bash", command, { stdio: ["ignore", "pipe", "ignore"] });
    let output = "";
    child.stdout.on("data", (data) => (output += String(data)));
    const [code] = (await once(child, "close")) as [number];
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/^index-not-written \d free disk space[^\n]*\nkept\.md\n$/),
    ]);
    expect(await problemsOf(folder)).toEqual([]);
    await withIndexer({ folder }, async (indexer) => {
      expect((await indexer.search("kept"))[0]!.path).toBe("kept.md");
      expect((await indexer.index(stream({ "more.md": "more" }))).documents).toBe(1);
    });
  });
});

describe("a folder that vanishes", () => {
  it("is said by reader and writer, and made good by opening anew", async () => {
    const folder = join(await newFolder(), "index");
    await withIndexer({ folder }, async (indexer) => {
      await indexer.index(stream(pages));
      await rm(folder, { recursive: true });
      expect(await codeOf(() => indexer.search("word1"))).toBe("index-vanished");
      expect(await codeOf(() => indexer.store.verify())).toBe("index-vanished");
      expect(await codeOf(() => indexer.index(stream(pages)))).toBe("index-vanished");
      expect(existsSync(folder)).toBe(false);
    });
    await withIndexer({ folder }, async (indexer) => {
      await indexer.index(stream(pages));
      expect(await indexer.search("word1")).not.toEqual([]);
    });
  });
});

describe("parts of the store", () => {
  it("names each error of SQLite that people meet", () => {
    const codes = [5, 8, 778, 11, 13, 14, 26].map((errcode) => {
      const thrown = Object.assign(new Error("sql"), { code: "ERR_SQLITE_ERROR", errcode });
      return (sqliteError(thrown, "x") as PipeError).code;
    });
    expect(codes).toEqual([
      ...["index-locked", "index-not-written", "index-not-written", "index-damaged", "index-not-written"],
      ...["index-vanished", "index-damaged"],
    ]);
    const other = Object.assign(new Error("syntax"), { code: "ERR_SQLITE_ERROR", errcode: 1 });
    expect(sqliteError(other, "x")).toBe(other);
    expect(sqliteError("text", "x")).toBe("text");
  });

  it("unpacks vectors at any offset and refuses other lengths", () => {
    const { bytes, crc } = encodeVector(Float32Array.of(1, 2, 3));
    const shifted = new Uint8Array(13);
    shifted.set(bytes, 1);
    expect(decodeVector({ bytes: shifted.subarray(1), crc }, 3, "x")).toEqual(Float32Array.of(1, 2, 3));
    expect(() => decodeVector({ bytes, crc }, 4, "x")).toThrow("16 bytes");
  });

  it("keeps text of any kind, with characters that end strings elsewhere", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      const text = "nul\0inside and 👩‍🚀 and \u{10fffd}\n";
      await indexer.index(stream({ "odd.md": text }));
      expect((await indexer.get("odd.md"))!.text).toBe(text);
      expect((await indexer.store.verify()).problems).toEqual([]);
    });
  });
});
