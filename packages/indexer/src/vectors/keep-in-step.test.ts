import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { stream, temporaryFolders, withIndexer } from "../index-folder.test.fixture.ts";
import { TrigramEmbedder } from "../trigram-embedder.test.fixture.ts";
import { UsearchVectorStore } from "./usearch-vector-store.ts";

const newFolder = temporaryFolders();
const embedder = new TrigramEmbedder({ dimensions: 32 });

const pages = (from: number, to: number): { [id: string]: string } =>
  Object.fromEntries(
    Array.from({ length: to - from }, (_, n) => [`${from + n}.md`, `# Page\n\nword${from + n} of text\n`]),
  );

const storeOf = (folder: string): UsearchVectorStore =>
  new UsearchVectorStore({ worker: false, folder: join(folder, "graphs"), exactBelow: 20 });

it("builds a worn graph anew, and says what is there only", async () => {
  const folder = await newFolder();
  const vectors = storeOf(folder);
  await withIndexer({ folder, embedder, vectors }, async (indexer) => {
    await indexer.index(stream(pages(0, 200)));
    expect(await vectors.position(embedder.space)).toMatchObject({ rows: 200, worn: false });
    await indexer.remove(Object.keys(pages(0, 120)));
    const hits = await indexer.search("page word5 of text", { mode: "vector", limit: 100 });
    expect(hits).toHaveLength(80);
    expect((await vectors.position(embedder.space)).worn).toBe(true);
    await indexer.index(stream({}));
    expect(await vectors.position(embedder.space)).toMatchObject({ rows: 80, worn: false });
    expect(await indexer.search("page word150 of text", { mode: "vector", limit: 100 })).toHaveLength(80);
  });
});

it("finds all that is there, even where much of a graph was replaced", async () => {
  const folder = await newFolder();
  // Never worn, so that the graph keeps its unreachable places.
  const vectors = new UsearchVectorStore({ worker: false, exactBelow: 20, wornShare: 1 });
  await withIndexer({ folder, embedder, vectors }, async (indexer) => {
    for (let round = 0; round < 25; round++) {
      await indexer.index(stream(pages(round * 40, round * 40 + 60)));
      await indexer.remove(Object.keys(pages(round * 40, round * 40 + 40)));
      const { rows } = await vectors.position(embedder.space);
      const { chunks } = await indexer.status();
      expect(await indexer.search(`page word${round}`, { mode: "vector", limit: 2 * rows })).toHaveLength(chunks);
    }
  });
});

it("follows a change once, however many searches come at the same time", async () => {
  const folder = await newFolder();
  await withIndexer({ folder, embedder, vectors: storeOf(folder) }, (indexer) => indexer.index(stream(pages(0, 600))));
  await rm(join(folder, "graphs"), { recursive: true });
  await withIndexer({ folder, embedder, vectors: storeOf(folder) }, async (indexer) => {
    const all = await Promise.all(
      [3, 90, 300, 599].map((n) => indexer.search(`Page # Page word${n} of text`, { mode: "vector", limit: 3 })),
    );
    expect(all.map((hits) => hits[0]!.id)).toEqual(["3.md", "90.md", "300.md", "599.md"]);
  });
});

it("begins again where the index was put back to an earlier state, or forgot what was removed", async () => {
  const folder = await newFolder();
  const older = await newFolder();
  await withIndexer({ folder, embedder, vectors: storeOf(folder) }, (indexer) => indexer.index(stream(pages(0, 60))));
  await cp(join(folder, "index.sqlite"), join(older, "index.sqlite"));
  await withIndexer({ folder, embedder, vectors: storeOf(folder) }, (indexer) => indexer.index(stream(pages(60, 99))));
  await cp(join(older, "index.sqlite"), join(folder, "index.sqlite"));
  const vectors = storeOf(folder);
  await withIndexer({ folder, embedder, vectors }, async (indexer) => {
    expect((await vectors.position(embedder.space)).rows).toBe(99);
    expect(await indexer.search("page", { mode: "vector", limit: 200 })).toHaveLength(60);
    expect((await vectors.position(embedder.space)).rows).toBe(60);
    await indexer.remove(["7.md"]);
    await indexer.store.compact();
    expect(await indexer.search("page", { mode: "vector", limit: 200 })).toHaveLength(59);
    expect((await vectors.position(embedder.space)).rows).toBe(59);
  });
});
