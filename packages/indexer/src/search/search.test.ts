import type { IReranker, SourceDocument } from "@pipe/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, stream, temporaryFolders, withIndexer } from "../index-folder.test.fixture.ts";
import { globTest } from "../store/glob.ts";
import { TrigramEmbedder } from "../trigram-embedder.test.fixture.ts";
import { UsearchVectorStore } from "../vectors/usearch-vector-store.ts";
import { fuse, fuseRanks } from "./fusion.ts";
import { type ClozeQuery, learnWeight } from "./learn-weight.ts";
import { gather } from "./passages.ts";
import { snippetOf } from "./snippet.ts";
import { byScore, TopKeys } from "./top-keys.ts";

const newFolder = temporaryFolders();

const guide = {
  "guide/install.md":
    "---\ntitle: Install\ndate: 2026-03-01\ntags: [setup, linux]\ndraft: false\n---\n\n# Install\n\nRun the installer and wait.\n\n## On Linux\n\n```sh\napt-get install engine\n```\n\nThe package manager installs the engine.\n",
  "guide/train.md":
    "---\ntitle: Train\ndate: 2026-05-10T12:00:00Z\ntags: [models]\nauthor:\n  name: Ada\n  mail: a@b.c\n---\n\n# Train\n\nTraining needs an engine and some text.\n\n```ts\nawait trainModel({ maxSteps: 10 });\n```\n",
  "notes.md": "# Notes\n\nThe engine of my car needs oil.\n",
  "copy/notes.md": "# Notes\n\nThe engine of my car needs oil.\n",
};

const pathsOf = (hits: readonly { readonly path: string }[]): string[] => hits.map(({ path }) => path);

describe.each([["lexical"], ["vector"], ["hybrid"]] as const)("filters of a %s search", (mode) => {
  const found = async (filter: object, limit = 10): Promise<string[]> =>
    withIndexer({ folder: await newFolder(), embedder: new TrigramEmbedder() }, async (indexer) => {
      await indexer.index(stream(guide));
      return pathsOf(await indexer.search("engine", { mode, filter, limit })).toSorted();
    });

  it.each([
    [{ path: "guide/**" }, ["guide/install.md", "guide/train.md"]],
    [{ path: "t*.md" }, ["guide/train.md"]],
    [{ fields: { tags: "linux" } }, ["guide/install.md"]],
    [{ fields: { draft: false } }, ["guide/install.md"]],
    [{ fields: { tags: ["models"] } }, ["guide/train.md"]],
    [{ fields: { author: { mail: "a@b.c", name: "Ada" } } }, ["guide/train.md"]],
    [{ fields: { nothing: 1 } }, []],
    [{ heading: "notes" }, ["copy/notes.md"]],
    [{ heading: "on Linux" }, ["guide/install.md"]],
    [{ language: "SH" }, ["guide/install.md"]],
    [{ since: "2026-04-01" }, ["guide/train.md"]],
    [{ since: "2026-03-01T12:00:00Z", until: "2026-04" }, ["guide/install.md"]],
    [{ since: "2026-03", until: "2026-05-10" }, ["guide/install.md", "guide/train.md"]],
    [{ until: "2026-03" }, ["guide/install.md"]],
    [{ collections: ["other"] }, []],
  ])("%j", async (filter, expected) => {
    // Equal notes are one hit, so only one of them is named.
    const paths = await found(filter);
    expect(paths.map((path) => (path === "notes.md" ? "copy/notes.md" : path))).toEqual(expected);
  });

  it("never give too few because of the graph", async () => {
    const folder = await newFolder();
    const vectors = new UsearchVectorStore({ worker: false, exactBelow: 50 });
    await withIndexer({ folder, embedder: new TrigramEmbedder({ dimensions: 32 }), vectors }, async (indexer) => {
      const many = Object.fromEntries(
        Array.from({ length: 2_300 }, (_, n) => [
          `${n % 40 === 7 ? "rare" : "common"}/${n}.md`,
          `# Page\n\nword${n} engine part${n % 40 === 7 ? " oddity" : ""}\n`,
        ]),
      );
      await indexer.index(stream(many));
      const hits = await indexer.search("engine part", { mode, filter: { path: "rare/*" }, limit: 50 });
      expect(hits).toHaveLength(50);
      const most = await indexer.search("engine part", { mode, filter: { path: "common/*" }, limit: 300 });
      expect(most).toHaveLength(300);
      expect(most.every(({ path }) => path.startsWith("common/"))).toBe(true);
    });
  });
});

describe("search", () => {
  it("refuses dates and weights that are none", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream(guide));
      expect(await codeOf(() => indexer.search("engine", { filter: { since: "yesterday" } }))).toBe(
        "search-options-invalid",
      );
      expect(await codeOf(() => indexer.search("engine", { filter: { path: "[z-a].md" } }))).toBe(
        "search-options-invalid",
      );
      expect(await codeOf(() => indexer.search("engine", { weight: 2 }))).toBe("search-options-invalid");
      expect(await codeOf(() => indexer.search("engine", { mode: "fuzzy" as never }))).toBe("search-options-invalid");
    });
  });

  it("filters by the language of all parts of a long block of code", async () => {
    const code = Array.from({ length: 300 }, (_, n) => `engine.start(${n}); // and wait until it runs`).join("\n");
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(
        stream({
          "code.md": `# Code\n\n\`\`\`C++\n${code}\n\`\`\`\n\n## After\n\nthe engine ${"rests ".repeat(200)}\n`,
        }),
      );
      const found = async (language: string): Promise<number> =>
        (await indexer.search("engine", { limit: 100, filter: { language } })).length;
      const all = (await indexer.search("engine", { limit: 100 })).length;
      expect(all).toBeGreaterThan(10);
      expect(await found("c++")).toBe(all - 1);
      expect(await found("c")).toBe(0);
    });
  });

  it("filters by the headings of small sections, which share a passage", async () => {
    const text =
      "# All\n\nengine\n\n## Use `it` *now* ##\n\nengine\n\nUnderlined\n---\n\n```sh\n# no heading\n```\n\n### [Link](x.md)\n\nengine\n";
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream({ "small.md": text, "other.md": "# Other\n\nengine\n" }));
      const found = async (heading: string): Promise<string[]> =>
        pathsOf(await indexer.search("engine", { filter: { heading } }));
      for (const heading of ["all", "Use it now", "underlined", "Link"])
        expect(await found(heading)).toEqual(["small.md"]);
      for (const heading of ["no heading", "Use it", "engine", ""]) expect(await found(heading)).toEqual([]);
    });
  });

  it("shows equal passages as one, and where else they stand", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream(guide));
      const hits = await indexer.search("car oil");
      expect(hits).toHaveLength(1);
      expect([hits[0]!.path, hits[0]!.same]).toEqual(["notes.md", [{ path: "copy/notes.md", line: 1 }]]);
    });
  });

  it("marks the words, whole or in parts", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream(guide));
      const [hit] = await indexer.search("max steps training");
      const marked = hit!.highlights.map(([begin, end]) => hit!.snippet.slice(begin, end));
      expect(new Set(marked)).toEqual(new Set(["Train", "Training", "trainModel", "maxSteps"]));
      expect(hit!.title).toBe("Train");
      expect((await indexer.search("trainModel"))[0]!.path).toBe("guide/train.md");
    });
  });

  it("explains a score by its parts", async () => {
    await withIndexer({ folder: await newFolder(), embedder: new TrigramEmbedder({ step: 3 }) }, async (indexer) => {
      await indexer.index(stream(guide));
      const [hit] = await indexer.search("engine installer", { explain: true });
      const { lexical, vector, fusion } = hit!.explain!;
      expect(Object.keys(lexical!.words).toSorted()).toEqual(["engin", "instal"]);
      expect(Object.values(lexical!.words).reduce((sum, part) => sum + part, 0)).toBeCloseTo(lexical!.score);
      expect(vector).toEqual({ score: expect.any(Number) as number, step: 3 });
      expect(fusion).toEqual({ kind: "convex", weight: 0.6, score: hit!.score });
      const [ranked] = await indexer.search("engine installer", { explain: true, fusion: "rank" });
      expect(ranked!.explain!.fusion).toMatchObject({ kind: "rank", score: ranked!.score });
      const [words] = await indexer.search("engine installer", { explain: true, weight: 0 });
      expect(words!.explain!.fusion!.weight).toBe(0);
      expect((await indexer.search("engine", { explain: true, mode: "vector" }))[0]!.explain!.lexical).toBeUndefined();
      expect((await indexer.search("engine"))[0]!.explain).toBeUndefined();
    });
  });

  it.each(["lexical", "vector", "hybrid"] as const)("finds what is like a document, without it (%s)", async (mode) => {
    await withIndexer({ folder: await newFolder(), embedder: new TrigramEmbedder() }, async (indexer) => {
      await indexer.index(stream({ ...guide, "cars.md": "# Cars\n\nA car needs oil in its engine, and a road.\n" }));
      const hits = await indexer.search("", { mode, like: "notes.md" });
      expect(hits.some(({ id }) => id === "notes.md")).toBe(false);
      expect(pathsOf(hits).slice(0, 2).toSorted()).toEqual(["cars.md", "copy/notes.md"]);
      const near = await indexer.search("road", { mode, like: "notes.md", limit: 1, filter: { path: "*.md" } });
      expect(near).toHaveLength(1);
      expect(await codeOf(() => indexer.search("", { mode, like: "gone.md" }))).toBe("document-missing");
    });
  });

  it("finds what is like a document by its own words, however often it was changed", async () => {
    const filler = Array.from({ length: 9 }, (_, n) => `word${n}`).join(" ");
    const others = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`${n}.md`, `${filler} page${n}`]));
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream({ ...others, "twin.md": "zebra stripes" }));
      for (let n = 0; n < 6; n++) await indexer.index(stream({ "own.md": `zebra ${filler} version${n}` }));
      expect((await indexer.search("", { like: "own.md", limit: 1 }))[0]!.path).toBe("twin.md");
    });
  });

  it("keeps collections apart, and finds in all", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream({ "a.md": "alpha one" }), { collection: "first" });
      await indexer.index(stream({ "a.md": "alpha two" }), { collection: "second", prune: true });
      expect((await indexer.search("alpha")).map(({ collection }) => collection).toSorted()).toEqual([
        "first",
        "second",
      ]);
      const [only] = await indexer.search("alpha", { filter: { collections: ["second"] } });
      expect(only!.text).toContain("two");
      expect((await indexer.get("a.md", "second"))!.text).toBe("alpha two");
      await indexer.remove(["a.md"], "first");
      expect((await indexer.status()).collections).toEqual([{ name: "second", documents: 1 }]);
    });
  });

  it("marks hits whose file has changed", async () => {
    const asked: string[] = [];
    const isChanged = ({ path, sha256 }: { path: string; sha256: string }): boolean => {
      asked.push(sha256);
      return path === "notes.md";
    };
    await withIndexer({ folder: await newFolder(), isChanged }, async (indexer) => {
      await indexer.index(stream(guide));
      const hits = await indexer.search("engine");
      expect(hits.filter(({ stale }) => stale?.changed).map(({ path }) => path)).toEqual(["notes.md"]);
      expect(asked.every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
    });
  });

  it("lets a reranker decide, and checks what it gives", async () => {
    const reranker: IReranker = {
      id: "by length",
      rerank: (_, passages) => Promise.resolve(passages.map((passage) => -passage.length)),
    };
    await withIndexer({ folder: await newFolder(), reranker }, async (indexer) => {
      await indexer.index(stream(guide));
      const hits = await indexer.search("engine", { explain: true, limit: 2 });
      expect(pathsOf(hits)[0]).toBe("notes.md");
      expect(hits[0]!.explain!.rerank).toEqual({ model: "by length", score: -`Notes\n${hits[0]!.text}`.trim().length });
    });
    const broken: IReranker = { id: "broken", rerank: () => Promise.resolve([Number.NaN]) };
    await withIndexer({ folder: await newFolder(), reranker: broken }, async (indexer) => {
      await indexer.index(stream(guide));
      expect(await codeOf(() => indexer.search("engine"))).toBe("reranker-invalid");
      expect(await indexer.search("zebra")).toEqual([]);
    });
  });

  it("gives whole documents by path and id", async () => {
    async function* one(): AsyncGenerator<SourceDocument> {
      yield { id: "id 1", path: "some/path.md", text: "---\nkind: note\n---\n\n# One\n\ntext\n", cursor: null };
    }
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(one());
      const document = {
        id: "id 1",
        path: "some/path.md",
        collection: "default",
        title: "One",
        metadata: { kind: "note" },
        text: "# One\n\ntext\n",
      };
      expect(await indexer.get("some/path.md")).toEqual(document);
      expect(await indexer.get("id 1")).toEqual(document);
      expect(await indexer.get("other")).toBeUndefined();
    });
  });

  it("adds the neighbours of a passage to what is retrieved, while there is room", async () => {
    const sections = Array.from({ length: 9 }, (_, n) => `## Part ${n}\n\n${`word${n} `.repeat(60)}\n`).join("\n");
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream({ "long.md": `# Long\n\n${sections}` }));
      const { passages } = await indexer.retrieve("word4", { tokens: 1_000 });
      expect(passages).toHaveLength(1);
      expect(passages[0]!.text).toMatch(/word3[^]*word4[^]*word5/);
      expect(passages[0]!.text).not.toMatch(/word2|word6/);
      const none = indexer.retrieve("word4", { tokens: 0 });
      await expect(none).rejects.toMatchObject({ code: "search-options-invalid" });
      expect((await indexer.retrieve("word4", { tokens: 130 })).passages[0]!.text).not.toContain("word3");
      expect((await indexer.retrieve("word4", { neighbours: 0 })).passages[0]!.text).not.toContain("word5");
    });
  });
});

describe("parts of the search", () => {
  const ranking = (...scores: [number, number][]) => scores.map(([key, score]) => ({ key, score }));

  it("fuses scores from the least that there can be to the greatest found", () => {
    const words = ranking([1, 30], [2, 20], [3, 10]);
    const meaning = ranking([3, 0.8], [4, 0.35], [1, -0.1]);
    // Of what it does not know, a ranking says as much as of its last.
    expect(fuse({ words, meaning }, 0.5)).toEqual([
      { key: 1, score: expect.closeTo((1 + 0.5) / 2) as number },
      { key: 3, score: expect.closeTo((1 / 3 + 1) / 2) as number },
      { key: 2, score: expect.closeTo((2 / 3 + 0.5) / 2) as number },
      { key: 4, score: expect.closeTo((1 / 3 + 0.75) / 2) as number },
    ]);
    expect(fuse({ words: ranking([7, 5]), meaning: [] }, 0.25)).toEqual([{ key: 7, score: 0.75 }]);
    expect(fuse({ words: [], meaning: [] }, 0.5)).toEqual([]);
    // Nothing can be told apart by the least that there can be.
    expect(fuse({ words: ranking([7, 0]), meaning: ranking([7, -1]) }, 0.5)).toEqual([{ key: 7, score: 0 }]);
  });

  it("fuses alike however many were asked for", () => {
    const others = { words: ranking([3, 0], [4, 0]), meaning: ranking([2, 0.7]) };
    const few = fuse({ words: ranking([2, 2], [1, 1]), meaning: ranking([3, 0.9], [4, 0.5], [1, 0.4]), others }, 0.5);
    const more = { words: [...others.words, { key: 5, score: 0 }], meaning: others.meaning };
    const many = { words: ranking([2, 2], [1, 1]), meaning: ranking([3, 0.9], [4, 0.5], [1, 0.4], [5, -0.2]) };
    expect(few[0]).toEqual({ key: 2, score: expect.closeTo((1 + 1.7 / 1.9) / 2) as number });
    expect(fuse({ ...many, others: more }, 0.5).filter(({ key }) => key !== 5)).toEqual(few);
  });

  it("fuses ranks", () => {
    const [first] = fuseRanks(ranking([1, 9], [2, 8]), ranking([2, 0.1], [3, 0.05]));
    expect(first).toEqual({ key: 2, score: 1 / 62 + 1 / 61 });
  });

  describe("the share of meaning", () => {
    const good = ranking([1, 1], [2, 0.2], [3, 0.1]);
    const bad = ranking([2, 1], [3, 0.9], [1, 0.1]);
    const useless = ranking(...Array.from({ length: 12 }, (_, at): [number, number] => [at + 2, 0.5]), [1, 0.1]);
    const query = (words: typeof good, meaning: typeof good): ClozeQuery => {
      return { rankings: { words, meaning }, right: 1 };
    };
    const many = (...queries: readonly ClozeQuery[]): ClozeQuery[] =>
      Array.from({ length: 30 }, (_, at) => queries[at % queries.length]!);

    it("rises from the best as long as hardly less is found than by words alone", () => {
      expect(learnWeight(many(query(bad, good)))).toBe(0.84);
      expect(learnWeight(many(query(good, good)))).toBe(0.84);
      expect(learnWeight(many(query(good, bad)))).toBe(0.64);
      // Greater shares find as much again, but those between do not.
      expect(learnWeight(many(query(good, bad), query(bad, good)))).toBe(0.64);
      expect(learnWeight(many(query(useless, good)))).toBe(0.84);
    });

    it("falls with an embedder that finds less than half of what words find", () => {
      const alone = learnWeight(
        many(query(good, good), query(good, useless), query(bad, useless), query(good, useless)),
      );
      expect(alone).toBeLessThanOrEqual(0.84 * (2 / 3.5));
      expect(learnWeight(many(query(good, useless)))).toBe(0);
    });

    it("is what suits most where there are too few questions", () => {
      expect(learnWeight([query(bad, good)])).toBe(0.6);
    });
  });

  it("keeps the best of many", () => {
    const best = new TopKeys(3);
    for (let key = 1; key <= 500; key++) best.offer(key, (key * 7919) % 101);
    expect(best.ranked().map(({ score }) => score)).toEqual([100, 100, 100]);
  });

  it("keeps what sorting would put first", () => {
    const scores = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 });
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 30 }), (all, limit) => {
        const rows = all.map((score, at) => ({ key: (at * 131) % 211, score }));
        const best = new TopKeys(limit);
        for (const { key, score } of rows) best.offer(key, score);
        expect(best.ranked()).toEqual(rows.toSorted(byScore).slice(0, limit));
      }),
    );
  });

  it("shows where the words stand", () => {
    const text = `${"filler ".repeat(60)}the compiled engine is fast. ${"more ".repeat(60)}`;
    const { snippet, highlights } = snippetOf(text, ["engin", "compil"]);
    expect(snippet).toMatch(/^….*compiled engine.*…$/);
    expect(highlights.map(([begin, end]) => snippet.slice(begin, end))).toEqual(["compiled", "engine"]);
    expect(snippetOf("short\n\ntext", ["x"])).toEqual({ snippet: "short text", highlights: [] });
    expect(snippetOf(text, []).snippet.startsWith("filler")).toBe(true);
    const framed =
      "Run it:\n\n```sh title=x\nnpm start\n```\n\n> | a | b |\n> | :-- | --- |\n> | 1 | - |\n\n---\n- done\n~~~\n";
    expect(snippetOf(framed, ["npm"])).toEqual({
      snippet: "Run it: npm start > | a | b | > | 1 | - | - done",
      highlights: [[8, 11]],
    });
    expect(snippetOf("👩".repeat(300), ["x"]).snippet.isWellFormed()).toBe(true);
    expect(snippetOf(`${"👩".repeat(300)} needle`, ["needl"]).snippet).toMatch(/needle$/);
    const japanese = snippetOf("これは日本語の長い文章であり、東京都の図書館についての説明がここに書かれています", [
      "東京",
    ]);
    const name = snippetOf("call theMarkdownDocumentIndexerFactory twice", ["index"]);
    expect(name.highlights.map(([begin, end]) => name.snippet.slice(begin, end))).toEqual(["Index"]);
    const stemmed = snippetOf("call theMarkdownLibrariesOfManyPeople twice", ["librari", "peopl", "mani"]);
    expect(stemmed.highlights.map(([begin, end]) => stemmed.snippet.slice(begin, end))).toEqual(["Librari"]);
    const changed = snippetOf("call theMarkdownDocumentHappyPath twice", ["happi"]);
    expect(changed.highlights.map(([begin, end]) => changed.snippet.slice(begin, end))).toEqual([
      "theMarkdownDocumentHappyPath",
    ]);
    expect(japanese.highlights.map(([begin, end]) => japanese.snippet.slice(begin, end))).toEqual(["東京"]);
  });

  it("joins neighbouring passages without a seam, best first", () => {
    const chunk = (document: string, place: number, text: string, score: number) => {
      const place10 = {
        line: place * 10,
        heading: ["On Linux & Mac!"],
        collection: "default",
        content: "",
        documentContent: "",
      };
      return { chunk: document.charCodeAt(0) * 100 + place, document, path: document, place, text, score, ...place10 };
    };
    const found = [
      chunk("b", 2, "two\n", 0.9),
      chunk("a", 0, "zero\n", 0.8),
      chunk("b", 1, "one ", 0.7),
      chunk("b", 5, "five", 0.1),
    ];
    expect(gather(found, [], 1000).passages).toEqual([
      { citation: "b#on-linux--mac:10", text: "one two", score: 0.9 },
      { citation: "a#on-linux--mac:0", text: "zero", score: 0.8 },
      { citation: "b#on-linux--mac:50", text: "five", score: 0.1 },
    ]);
    const long = chunk("c", 0, `${"x".repeat(25)}👩 and more`, 1);
    expect(gather([long], [chunk("c", 1, "next", 1)], 12).text).toBe(`[c#on-linux--mac:0]\n${"x".repeat(25)}`);
    expect(gather([long], [], 13).text).toBe(`[c#on-linux--mac:0]\n${"x".repeat(25)}👩 an`);
    expect(gather(found, [chunk("b", 8, "alone", 1)], 1).passages).toEqual([
      { citation: "b#on-linux--mac:20", text: "two", score: 0.9 },
    ]);
  });

  it.each([
    ["*.md", ["a.md", "x/y/a.md"], ["a.mdx", "md"]],
    ["guide/**", ["guide", "guide/a.md", "guide/x/y.md"], ["guides/a.md", "x/guide/a.md"]],
    ["**/x/*.md", ["x/a.md", "b/c/x/a.md"], ["x/y/a.md"]],
    ["./a?.{md,txt}", ["ab.md", "ab.txt"], ["a.md", "abc.md"]],
    ["[a-c]*/[!x].md", ["ab/y.md"], ["db/y.md", "ab/x.md"]],
    ["a+(b),c}.md", ["a+(b),c}.md"], ["aab.md"]],
    ["[a&~|]\\[x].md", ["&[x].md", "~[x].md"], ["b[x].md", "a\\x.md"]],
    ["a[!b][^c]d.md", ["axyd.md"], ["a/xd.md", "ax/d.md", "abxd.md"]],
    ["a/**/**/c.md", ["a/c.md", "a/b/c.md", "a/b/b/c.md"], ["a/bc.md"]],
  ])("knows the glob %s", (pattern, fitting, other) => {
    const fits = globTest(pattern);
    expect(fitting.map(fits)).toEqual(fitting.map(() => true));
    expect(other.map(fits)).toEqual(other.map(() => false));
  });
});
