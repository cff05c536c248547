import { execFileSync } from "node:child_process";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { vectorStoreContract } from "@pipe/core/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, stream, temporaryFolders, withIndexer } from "../index-folder.test.fixture.ts";
import { TrigramEmbedder } from "../trigram-embedder.test.fixture.ts";
import { PostgresVectorStore } from "./postgres-vector-store.ts";

const postgres = process.env["PIPE_POSTGRES"];
const newFolder = temporaryFolders();
/** PostgreSQL refuses to run as root; this is `nobody`. */
const nobody = 65_534;

describe.skipIf(postgres === undefined)("PostgresVectorStore", () => {
  let home = "";
  let schemas = 0;
  const connection = (): string => `postgres://pipe@/postgres?host=${encodeURIComponent(home)}`;

  const run = (name: string, ...args: readonly string[]): void => {
    const isRoot = process.getuid?.() === 0;
    execFileSync(join(dirname(postgres!), name), args, {
      stdio: "ignore",
      cwd: home,
      ...(isRoot ? { uid: nobody, gid: nobody } : {}),
    });
  };

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "pipe-postgres-"));
    await chmod(home, 0o755);
    if (process.getuid?.() === 0) await chown(home, nobody, nobody);
    run("initdb", "-D", join(home, "data"), "-U", "pipe", "-A", "trust", "--no-sync");
    run(
      "pg_ctl",
      "-D",
      join(home, "data"),
      "-w",
      "-l",
      join(home, "log"),
      "-o",
      `-k ${home} -c listen_addresses='' -F`,
      "start",
    );
  });

  afterAll(async () => {
    run("pg_ctl", "-D", join(home, "data"), "-m", "immediate", "-w", "stop");
    await rm(home, { recursive: true, force: true });
  });

  vectorStoreContract(
    async () => {
      const store = new PostgresVectorStore({ connection: connection(), schema: `contract${schemas++}` });
      return { store, close: () => store[Symbol.asyncDispose]() };
    },
    { describe, it, expect },
  );

  it("serves an index, also with filters and after it was opened again", async () => {
    const folder = await newFolder();
    const files = Object.fromEntries(
      Array.from({ length: 2_300 }, (_, n) => [
        `${n % 10 === 0 ? "some" : "other"}/${n}.md`,
        `# Page\n\nword${n} engine\n`,
      ]),
    );
    const embedder = new TrigramEmbedder({ dimensions: 32 });
    const vectors = (): PostgresVectorStore => new PostgresVectorStore({ connection: connection(), schema: "served" });
    await withIndexer({ folder, embedder, vectors: vectors() }, (indexer) => indexer.index(stream(files)));
    await withIndexer({ folder, embedder, vectors: vectors() }, async (indexer) => {
      const hits = await indexer.search("engine word", { mode: "vector", filter: { path: "other/*" }, limit: 100 });
      expect(hits).toHaveLength(100);
      expect((await indexer.search("Page # Page word1234 engine", { mode: "vector" }))[0]!.text).toContain("word1234");
    });
  });

  it("holds all rows though several processes bring it up, and build it anew, at the same time", async () => {
    const space = { id: "shared", dimensions: 4 };
    const rows = Array.from({ length: 60 }, (_, at) => {
      return { key: at + 1, vector: Float32Array.from([1, at / 60, 0, 0]) };
    });
    const parts = [0, 20, 40].map((from) => rows.slice(from, from + 20));
    const stores = Array.from(
      { length: 4 },
      () => new PostgresVectorStore({ connection: connection(), schema: "shared" }),
    );
    await Promise.all(stores.map((store) => store.position(space)));
    await Promise.all(stores.map((store) => store.apply(space, { rows: parts[0]!, removed: [], sequence: 1 })));
    for (let round = 2; round < 6; round++) {
      await Promise.all(
        stores.map(async (store) => {
          for (const [at, some] of parts.entries()) {
            const change = { rows: some, removed: [], rebuild: at === 0 ? ("first" as const) : ("further" as const) };
            await store.apply(space, { ...change, ...(at === 2 ? { sequence: round } : {}) });
            await store.search(space, rows[0]!.vector, 3);
          }
        }),
      );
      expect(await stores[0]!.position(space)).toEqual({ sequence: round, rows: 60, worn: false });
      expect(await stores[0]!.search(space, rows[0]!.vector, 100)).toHaveLength(60);
    }
    for (const store of stores) await store[Symbol.asyncDispose]();
  });

  it("compares vectors that are too long for an index one by one", async () => {
    const store = new PostgresVectorStore({ connection: connection(), schema: "long" });
    const space = { id: "long", dimensions: 2_500 };
    const axis = (at: number): Float32Array => new Float32Array(2_500).fill(1, at, at + 1);
    await store.apply(space, { rows: [1, 2].map((key) => ({ key, vector: axis(key) })), removed: [], sequence: 1 });
    await store.flush();
    expect((await store.search(space, axis(2), 1))[0]).toEqual({ key: 2, score: 1 });
    await store[Symbol.asyncDispose]();
  });

  it("says what is wrong with a name or a server", async () => {
    expect(() => new PostgresVectorStore({ connection: "", schema: "Drop Table" })).toThrow("no name of a schema");
    const store = new PostgresVectorStore({ connection: "postgres://nobody@/x?host=/nowhere" });
    expect(await codeOf(() => store.position({ id: "x", dimensions: 1 }))).toContain("ENOENT");
    await store[Symbol.asyncDispose]();
  });
});
