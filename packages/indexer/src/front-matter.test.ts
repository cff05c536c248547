import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readFrontMatter } from "./front-matter.ts";

const piece = fc.constantFrom(
  ...[
    "title",
    "a",
    "b",
    "true",
    "null",
    "False",
    "__proto__",
    "é",
    "'",
    '"',
    ":",
    ": ",
    " #",
    "#",
    "-",
    "- ",
    "{",
    "[",
    ",",
  ],
  ...[
    "~",
    "|",
    ">",
    "&x ",
    "*x",
    "!",
    "%",
    "@",
    "`c`",
    "1",
    "2020-01-01",
    " ",
    "  ",
    "\t",
    "\n",
    "\n",
    "\\",
    "...",
    "---",
    "?",
  ],
);
const begin = ["title: ", "description: ", "a-b: ", "null: ", "x: ", "x:", "a:", "b:", "- ", "-", "- a: "];
const line = fc
  .tuple(
    fc.constantFrom("", "", "", "  ", "  ", "    ", " ", "\t"),
    fc.constantFrom(...begin),
    fc.oneof(
      fc.constantFrom("text", "more text", ""),
      fc.array(piece, { maxLength: 5 }).map((parts) => parts.join("")),
    ),
  )
  .map((parts) => parts.join(""));

describe("readFrontMatter", () => {
  it("reads any lines as YAML says", () => {
    const plain = fc.array(line, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(plain, (lines) => {
        const yaml = lines.join("\n");
        let expected: unknown;
        try {
          expected = parse(yaml, { logLevel: "error", schema: "core" });
        } catch {
          expect(readFrontMatter(yaml).frontMatterError).toBeTypeOf("string");
          return;
        }
        const isFields = typeof expected === "object" && expected !== null && !Array.isArray(expected);
        const fields: unknown = isFields ? JSON.parse(JSON.stringify(expected)) : undefined;
        expect([yaml, readFrontMatter(yaml).frontMatter]).toEqual([yaml, fields]);
      }),
      { numRuns: 6_000 },
    );
  });

  it("takes text as it stands", () => {
    expect(readFrontMatter("title: How to `use` it: now  \nurl: https://a.b/c#d")).toEqual({
      frontMatterError: expect.stringContaining("Nested mappings") as string,
    });
    expect(readFrontMatter("title: How to `use` it  \nurl: https://a.b/c#d")).toEqual({
      frontMatter: { title: "How to `use` it", url: "https://a.b/c#d" },
    });
  });
});
