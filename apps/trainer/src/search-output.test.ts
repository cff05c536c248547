import type { SearchHit } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { formatHits } from "./search-output.ts";

const hit: SearchHit = {
  id: "a",
  path: "a.md",
  heading: [],
  line: 3,
  score: 0.5,
  text: "Green tea",
  snippet: " Green\n tea ",
  collection: "default",
  highlights: [],
};

describe("hits as text", () => {
  it("leave out the heading that is named above, and set off the words of the query on a terminal", () => {
    const snippet = "## Green tea Green tea is not fermented.";
    const titled = { ...hit, heading: ["Tea", "Green tea"], snippet };
    const highlights = [
      [9, 12],
      [19, 22],
    ] as const;
    expect(formatHits([titled])).toBe("1. a.md:3  Tea › Green tea  (0.50)\n   Green tea is not fermented.\n");
    expect(formatHits([{ ...titled, highlights }], { color: true })).toBe(
      "1. \u001b[1ma.md:3\u001b[22m  Tea › Green tea  (0.50)\n   Green \u001b[1mtea\u001b[22m is not fermented.\n",
    );
    expect(formatHits([{ ...titled, heading: ["Green"], snippet: "# Green" }])).toContain("\n   # Green\n");
  });

  it("say where, how good, and what is to be known of each", () => {
    expect(formatHits([])).toBe("nothing found\n");
    expect(formatHits([hit])).toBe("1. a.md:3  (0.50)\n   Green tea\n");
    const known = {
      ...hit,
      heading: ["Tea", "Green"],
      score: 0.0012,
      same: [{ path: "b.md", line: 7 }],
      stale: { changed: true, step: 40 },
      explain: {
        lexical: { score: 2, words: { tea: 1.5, green: 0 } },
        vector: { score: 0.25 },
        fusion: { kind: "convex", weight: 0.5 },
        rerank: { model: "cross", score: 0.9 },
      },
    } as unknown as SearchHit;
    expect(formatHits([hit, known]).split("\n").slice(2)).toEqual([
      "2. a.md:3  Tea › Green  (0.0012)",
      "   Green tea",
      "   also in b.md:7",
      "   its file has changed since",
      "   found by the model of step 40",
      "   words 2.00 (tea 1.50, green 0.00) · meaning 0.25 · convex, share of meaning 0.5 · cross 0.90",
      "",
    ]);
    const same = Array.from({ length: 9 }, (_, n) => ({ path: "b.md", line: n % 7 }));
    expect(formatHits([{ ...hit, same }])).toContain("also in b.md:0, b.md:1, b.md:2, b.md:3, b.md:4 and 2 more\n");
    const bare: SearchHit = { ...hit, explain: {} };
    expect(formatHits([bare])).toContain("Green tea\n   \n");
    const wordless = { ...hit, explain: { lexical: { score: 1 } } } as unknown as SearchHit;
    expect(formatHits([wordless])).toMatch(/words 1\.00$/m);
  });
});
