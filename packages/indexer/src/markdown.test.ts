import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Chunk } from "./indexing-strategy.ts";
import { MarkdownParser } from "./markdown-parser.ts";
import { SectionStrategy } from "./section-strategy.ts";
import { torture } from "./torture.test.fixture.ts";

const parser = new MarkdownParser();
const headings = (source: string) => parser.parse(source).sections.map(({ heading }) => heading.join(" / "));
const chunks = (source: string, tokens?: number): readonly Chunk[] =>
  new SectionStrategy(tokens === undefined ? {} : { tokens }).chunk(parser.parse(source));

describe("MarkdownParser", () => {
  it("finds exactly the headings of the torture file", () => {
    expect(headings(torture)).toEqual([
      "",
      "Setext one",
      "Setext one / Setext two of two lines",
      "Setext one / Setext two of two lines / Closed heading with code() and emphasis",
      "Setext one / Skipped levels",
      "Setext one / Indented by three",
      "After all",
    ]);
  });

  it("keeps code and tables of the torture file as atoms, nested ones too", () => {
    const { atoms } = parser.parse(torture);
    expect(atoms.map(({ begin, end }) => torture.slice(begin, end).split("\n")[0])).toEqual([
      "~~~",
      "````md",
      "    # indented code, no heading",
      "| a | b \\| # c |",
      "```sh",
      "```js",
    ]);
  });

  it("gives sections that follow each other without gap, with their blocks", () => {
    const { sections, source } = parser.parse(torture);
    for (const [index, { begin, end, blocks }] of sections.entries()) {
      expect([blocks[0]!.begin, blocks.at(-1)!.end]).toEqual([begin, end]);
      expect(end).toBe(sections[index + 1]?.begin ?? source.length);
    }
  });

  it("reads front matter as typed fields and keeps it out of the text", () => {
    const document = parser.parse(torture);
    expect(document.frontMatter).toEqual({
      title: "Torture: a test",
      draft: false,
      tags: ["a", "b"],
      weight: 1.5,
      none: null,
    });
    expect(document.title).toBe("Torture: a test");
    expect(document.sections[0]!.begin).toBe(torture.indexOf("Preamble"));
  });

  it.each([
    ["---\n- a\n- b\n---\ntext", {}],
    ["---\ntext\n---\n", {}],
    ["---\n---\n", {}],
    ["---\na: [1\n---\n# T\n", { title: "T", frontMatterError: expect.stringContaining("") as unknown }],
    ["---\ntitle: 5\n---\n## no title\n", { frontMatter: { title: 5 } }],
    ["---\ntitle: ' '\n---\n\n#\n", { frontMatter: { title: " " } }],
  ])("survives the front matter of %j", (source, expected) => {
    const { title, frontMatter, frontMatterError } = parser.parse(source);
    expect(JSON.parse(JSON.stringify({ title, frontMatter, frontMatterError }))).toEqual(expected);
  });

  it("counts a byte order mark", () => {
    const { sections, source, frontMatter } = parser.parse("\uFEFF---\na: 1\n---\n\n# T\n\n```\nx\n```\n");
    expect(frontMatter).toEqual({ a: 1 });
    expect(source.slice(sections[0]!.begin, sections[0]!.begin + 3)).toBe("# T");
  });

  it("reads headings with images, breaks, links and HTML", () => {
    expect(headings("# a ![pic *x*](i.png) [l*in*k](u)<br> `c`\n\nx  \ny\n===\n\n## ![][r]\n\n[r]: u")).toEqual([
      "a pic x link c",
      "x y",
      "x y / ",
    ]);
  });

  it("survives five thousand nested quotes and lists inside", () => {
    const deep = `${"> ".repeat(5000)}# x\n\n# After\n`;
    expect(headings(deep)).toEqual(["", "After"]);
    expect(
      chunks(deep)
        .map(({ text }) => text)
        .join(""),
    ).toBe(deep);
  });
});

describe("SectionStrategy", () => {
  const words = fc.constantFrom(
    "# A\n",
    "## B\n",
    "### C\n",
    "word word word ",
    "\n\n",
    "\n",
    "- item\n",
    "  - nested\n",
    "```\n",
    "| a | b |\n|---|---|\n",
    "> ",
    "x".repeat(90),
    "é👩",
    "\t",
    "    ",
    "\r\n",
    "Sentence. ",
    "1. ",
    "---\n",
    "===\n",
  );

  it("tiles the document with passages within the budget, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 120 }), fc.integer({ min: 1, max: 40 }), (parts, tokens) => {
        const source = parts.join("");
        const { sections } = parser.parse(source);
        const found = chunks(source, tokens);
        expect(found.map(({ text }) => text).join("")).toBe(source.slice(sections[0]?.begin ?? source.length));
        for (const { begin, end, text, line } of found) {
          expect(text).toBe(source.slice(begin, end));
          expect(line).toBe(source.slice(0, begin).split("\n").length);
          expect(text.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("keeps code blocks and tables in one piece where they fit, also inside lists and below headings", () => {
    for (const tokens of [40, 60, 100]) {
      const { atoms } = parser.parse(torture);
      for (const { begin } of chunks(torture, tokens)) {
        const cut = atoms.find((atom) => atom.begin < begin && begin < atom.end && atom.end - atom.begin <= tokens * 4);
        expect(cut).toBeUndefined();
      }
    }
    const fence = `\`\`\`\n${"line of code\n".repeat(7)}\`\`\``;
    const source = `# ${"Heading ".repeat(4)}\n\n${fence}\n\nafter\n`;
    expect(chunks(source, Math.ceil((fence.length + 2) / 4))[0]!.text).toContain(fence);
    const list = `- ${"point ".repeat(20)}\n\n  ${fence.replaceAll("\n", "\n  ")}\n- last\n`;
    const inList = chunks(list, Math.ceil((fence.length + 30) / 4)).map(({ text }) => text);
    expect(inList.filter((text) => text.includes("```")).length).toBe(1);
  });

  it("joins small sections with those under the same heading and knows what is above", () => {
    const source = "# Top\n\n## One\n\na\n\n## Two\n\nb\n\n# Other\n\nc\n";
    expect(chunks(source).map(({ heading, context, line }) => [heading, context, line])).toEqual([
      [["Top"], "Top", 1],
      [["Other"], "Top › Other", 11],
    ]);
    const titled = chunks(`---\ntitle: Guide\n---\n## One\n\na\n\n## Two\n\nb\n`);
    expect(titled.map(({ heading, context, line }) => [heading, context, line])).toEqual([[[], "Guide", 4]]);
    const long = "word ".repeat(150);
    const sections = `---\ntitle: Guide\n---\n\n## One\n\n${long}\n\n### Deep\n\n${long}\n\n## Two\n\n${long}`;
    expect(chunks(sections).map(({ heading, context }) => [heading, context])).toEqual([
      [["One"], "Guide › One"],
      [["One", "Deep"], "Guide › One › Deep"],
      [["Two"], "Guide › Two"],
    ]);
  });

  it("puts a heading without text together with what follows, even where that fills the budget", () => {
    const source = `# Top\n\n## Empty\n\n### Full\n\n${"word ".repeat(200)}\n`;
    expect(chunks(source)).toHaveLength(1);
    expect(chunks(source)[0]!.heading).toEqual(["Top", "Empty", "Full"]);
  });

  it("splits long text between paragraphs, sentences, words, and never inside a surrogate pair", () => {
    const paragraphs = chunks(`${"word ".repeat(10)}\n\n${"next ".repeat(10)}\n`, 20).map(({ text }) => text);
    expect(paragraphs[1]!.startsWith("next")).toBe(true);
    const sentences = chunks("One two three four five six. ".repeat(10), 20).map(({ text }) => text);
    expect(sentences.slice(0, -1).every((text) => text.endsWith(". "))).toBe(true);
    const pieces = chunks("👩".repeat(500), 5).map(({ text }) => text);
    expect(pieces.every((text) => text.isWellFormed() && text.length <= 20)).toBe(true);
    expect(chunks("👩", 1)).toHaveLength(1);
  });

  it("has no passage for an empty document", () => {
    for (const source of ["", " \n\n", "---\ntitle: x\n---\n"]) expect(chunks(source)).toEqual([]);
  });

  it("refuses a budget that is none", () => {
    expect(() => new SectionStrategy({ tokens: 0 })).toThrow("positive number of tokens");
  });
});
