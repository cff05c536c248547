import { describe, expect, it } from "vitest";
import { codeOf, stream, temporaryFolders, withIndexer } from "../index-folder.test.fixture.ts";
import { evaluateSearch } from "./evaluate-search.ts";

const newFolder = temporaryFolders();
const tea = "# Tea\n\nGreen tea is not fermented.\n";
const files = {
  "tea.md": `${tea}\n## Black tea\n\nBlack tea is fermented. ${"It is fermented with care. ".repeat(60)}\n`,
  "wine.md": "# Wine\n\nWine is fermented, as is beer.\n",
  "bread.md": "# Bread\n\nBread needs yeast.\n",
  "copy/bread.md": "# Bread\n\nBread needs yeast.\n",
};

describe("evaluateSearch", () => {
  it("measures by documents, each at its best passage, equal ones too", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream(files));
      const asked: string[] = [];
      const quality = await evaluateSearch(
        indexer,
        [
          { query: "green tea", paths: ["tea.md"] },
          { query: "fermented beer", paths: ["tea.md", "bread.md"] },
          { query: "yeast", paths: ["copy/bread.md"] },
          { query: "coffee", paths: ["wine.md"] },
        ],
        { mode: "lexical", onProgress: (done, total) => asked.push(`${done} of ${total}`) },
      );
      expect(asked).toEqual(["0 of 4", "1 of 4", "2 of 4", "3 of 4"]);
      const second = 1 / Math.log2(3);
      expect(quality.questions.map(({ rank, recall }) => [rank, recall])).toEqual([
        [1, 1],
        [2, 0.5],
        [2, 1],
        [null, 0],
      ]);
      const each = [1, second / (1 + second), second, 0];
      expect(quality.questions.map(({ ndcg }) => ndcg)).toEqual(
        each.map((value) => expect.closeTo(value, 12) as number),
      );
      expect(quality.ndcg).toBeCloseTo(each.reduce((sum, value) => sum + value) / 4, 12);
      expect([quality.recall, quality.reciprocalRank]).toEqual([2.5 / 4, 2 / 4]);
      // Only the first counts here.
      const first = await evaluateSearch(indexer, [{ query: "fermented beer", paths: ["tea.md"] }], { depth: 1 });
      expect(first).toMatchObject({ ndcg: 0, recall: 0, reciprocalRank: 0 });
    });
  });

  it("asks for more passages where few documents have many", async () => {
    const long = Object.fromEntries(
      ["a.md", "b.md"].map((name) => [name, `# A\n\n${`## Part\n\n${"tea ".repeat(250)}\n\n`.repeat(30)}`]),
    );
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(
        stream({ ...long, "c.md": `# C\n\nOnce tea is named here. ${"Other words follow. ".repeat(40)}\n` }),
      );
      const { questions } = await evaluateSearch(indexer, [{ query: "tea", paths: ["c.md"] }], { depth: 3 });
      expect(questions[0]).toMatchObject({ rank: 3, recall: 1 });
    });
  });

  it("refuses questions that cannot be answered, and none", async () => {
    await withIndexer({ folder: await newFolder() }, async (indexer) => {
      await indexer.index(stream(files));
      expect(await codeOf(() => evaluateSearch(indexer, [{ query: "tea", paths: ["te.md"] }]))).toBe(
        "document-missing",
      );
      expect(await codeOf(() => evaluateSearch(indexer, []))).toBe("questions-invalid");
      expect(await codeOf(() => evaluateSearch(indexer, [{ query: "tea", paths: [] }]))).toBe("questions-invalid");
    });
  });
});
