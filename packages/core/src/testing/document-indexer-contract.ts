import type { SourceDocument } from "../interfaces/data.ts";
import type { IDocumentIndexer, SearchHit } from "../interfaces/indexer.ts";
import type { TestFramework } from "./framework.ts";

const cats = "# Animals\n\n## Cats\n\nA cat is a small carnivorous mammal that purrs.\n";
const planets = "# Sky\n\nintro\n\n## Planets\n\nJupiter is the largest planet of the solar system.\n";
const bread = "# Kitchen\n\n## Bread\n\nSourdough needs flour, water, salt and patience.\n";
const all = { "cats.md": cats, "planets.md": planets, "bread.md": bread };

/**
 * Registers what every {@link IDocumentIndexer} must do.
 *
 * @param make a new, empty index, and how to close it.
 */
export function documentIndexerContract(
  make: () => Promise<{ indexer: IDocumentIndexer; close(): Promise<void> }>,
  { describe, it, expect }: TestFramework,
): void {
  const using = async (body: (indexer: IDocumentIndexer) => Promise<void>): Promise<void> => {
    const { indexer, close } = await make();
    try {
      await body(indexer);
    } finally {
      await close();
    }
  };

  describe("IDocumentIndexer", () => {
    it("finds the passage by its words and says where it stands", () =>
      using(async (indexer) => {
        const report = await indexer.index(stream(all));
        expect([report.documents, report.unchanged, report.removed, report.failures.length]).toEqual([3, 0, 0, 0]);
        const [hit] = await indexer.search("which planet is the largest");
        expect([hit!.id, hit!.path]).toEqual(["planets.md", "planets.md"]);
        expect(hit!.heading[0]).toBe("Sky");
        expect(planets.includes(hit!.text)).toBe(true);
        expect(
          planets
            .split("\n")
            .slice(hit!.line - 1)
            .join("\n")
            .startsWith(hit!.text.split("\n")[0]!),
        ).toBe(true);
        expect(hit!.snippet).toMatch(/largest planet/);
      }));

    it("orders hits by score and keeps to the limit", () =>
      using(async (indexer) => {
        await indexer.index(stream(all));
        const hits = await indexer.search("a planet, a cat or some flour");
        expect(hits.length).toBeGreaterThanOrEqual(3);
        expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a));
        expect(await indexer.search("a planet, a cat or some flour", { limit: 1 })).toEqual(hits.slice(0, 1));
      }));

    it("finds nothing for a query without words, and takes any text as a query", () =>
      using(async (indexer) => {
        expect(await indexer.search("planet", { mode: "lexical" })).toEqual([]);
        await indexer.index(stream(all));
        for (const query of ["", "  ", "?!", "\"'*"]) expect(await indexer.search(query)).toEqual([]);
        for (const query of ['"', "cat AND (", "NEAR(cat", "text:cat", "cat* -dog", "\0", "x".repeat(10_000)]) {
          expect(Array.isArray(await indexer.search(query))).toBe(true);
        }
      }));

    it("passes over unchanged documents and replaces changed ones", () =>
      using(async (indexer) => {
        await indexer.index(stream(all));
        const before = await indexer.status();
        expect((await indexer.index(stream(all))).unchanged).toBe(3);
        expect(await indexer.status()).toEqual(before);
        const report = await indexer.index(stream({ ...all, "cats.md": cats.replace("purrs", "meows") }));
        expect([report.documents, report.unchanged]).toEqual([3, 2]);
        expect(ids(await indexer.search("purrs", { mode: "lexical" }))).toEqual([]);
        expect(ids(await indexer.search("meows", { mode: "lexical" }))).toEqual(["cats.md"]);
      }));

    it("removes what it is told to, and what a pruning stream lacks", () =>
      using(async (indexer) => {
        await indexer.index(stream(all));
        await indexer.remove(["cats.md", "unknown.md"]);
        expect(ids(await indexer.search("cat", { mode: "lexical" }))).toEqual([]);
        expect((await indexer.status()).documents).toBe(2);
        expect((await indexer.index(stream({ "bread.md": bread }))).removed).toBe(0);
        expect((await indexer.index(stream({ "bread.md": bread }), { prune: true })).removed).toBe(1);
        expect((await indexer.status()).documents).toBe(1);
      }));

    it("gathers passages with citations within a budget", () =>
      using(async (indexer) => {
        await indexer.index(stream(all));
        const { text, passages } = await indexer.retrieve("sourdough flour", { limit: 2 });
        expect(passages[0]!.citation).toMatch(/^bread\.md#.+:\d+$/);
        expect(passages.every((passage) => text.includes(passage.text) && text.includes(passage.citation))).toBe(true);
        const small = await indexer.retrieve("sourdough flour", { tokens: 25 });
        expect(small.passages.reduce((size, passage) => size + passage.text.length, 0)).toBeLessThanOrEqual(100);
        expect(await indexer.retrieve("?")).toEqual({ text: "", passages: [] });
      }));

    it("stops for a signal and keeps what it stored; the next call makes up for the rest", () =>
      using(async (indexer) => {
        const controller = new AbortController();
        const reason = new Error("stop");
        let thrown: unknown;
        try {
          await indexer.index(stream(all), { signal: controller.signal, onProgress: () => controller.abort(reason) });
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toBe(reason);
        const report = await indexer.index(stream(all));
        expect(report.documents).toBe(3);
        expect((await indexer.status()).documents).toBe(3);
      }));

    it("counts documents and passages", () =>
      using(async (indexer) => {
        const empty = await indexer.status();
        expect([empty.documents, empty.chunks, empty.vectors]).toEqual([0, 0, 0]);
        const seen: number[] = [];
        await indexer.index(stream(all), { onProgress: ({ documents }) => seen.push(documents) });
        expect([...new Set(seen)]).toEqual([1, 2, 3]);
        const status = await indexer.status();
        expect(status.documents).toBe(3);
        expect(status.chunks).toBeGreaterThanOrEqual(3);
        expect(status.bytes).toBeGreaterThan(0);
      }));
  });
}

async function* stream(files: { readonly [path: string]: string }): AsyncGenerator<SourceDocument> {
  for (const [path, text] of Object.entries(files)) yield { id: path, path, text, cursor: path };
}

function ids(hits: readonly SearchHit[]): string[] {
  return hits.map(({ id }) => id);
}
