import { PipeError } from "@pipe/core";
import type { Nodes, Root } from "mdast";
import { readFrontMatter, titleOf } from "./front-matter.ts";
import type {
  MarkdownAtom,
  MarkdownDocument,
  MarkdownSeam,
  MarkdownSection,
  SourceRange,
} from "./markdown-document.ts";
import { linksOf, wikiLinksOf } from "./markdown-links.ts";
import { textOf, treeOfMarkdown, walk } from "./markdown-tree.ts";

/** How markdown is read. */
export type MarkdownParserOptions = {
  /** Also find links of the form `[[target|text]]`; default false. */
  readonly wikiLinks?: boolean;
  /** Longest text in UTF-16 units; default 8 million. Time grows faster than length where nesting is deep. */
  readonly maxLength?: number;
};

/** Nesting below which seams are no more looked for. */
const maxDepth = 16;

/** Parses CommonMark with GitHub's extensions, YAML front matter and `$$` math into sections with exact source offsets. */
export class MarkdownParser {
  readonly #wikiLinks: boolean;
  readonly #maxLength: number;

  constructor({ wikiLinks = false, maxLength = 8_000_000 }: MarkdownParserOptions = {}) {
    this.#wikiLinks = wikiLinks;
    this.#maxLength = maxLength;
  }

  /** Parses one text: any is markdown. MDX is read as markdown too. @throws PipeError `document-too-large`. */
  parse(source: string): MarkdownDocument {
    if (source.length > this.#maxLength) {
      throw new PipeError("document-too-large", "A document is too large to be parsed.", {
        expected: `at most ${this.#maxLength} characters`,
        got: String(source.length),
        fix: "split it into several files, or leave it out",
      });
    }
    // The parser swallows a byte order mark and counts without it.
    const mark = source.startsWith("\uFEFF") ? 1 : 0;
    const root = treeOfMarkdown(source.slice(mark));
    const yaml = root.children[0]?.type === "yaml" ? root.children[0].value : undefined;
    const front = yaml === undefined ? {} : readFrontMatter(yaml);
    const title = titleOf(front.frontMatter) ?? topHeading(root);
    const atoms = atomsOf(root, source, mark);
    const wiki = this.#wikiLinks ? wikiLinksOf(source, atoms) : [];
    return {
      source,
      ...(title === undefined ? {} : { title }),
      ...front,
      sections: sectionsOf(root, source, mark),
      atoms,
      seams: seamsOf(root, source, mark),
      links: [...linksOf(root, mark), ...wiki].sort((a, b) => a.begin - b.begin),
    };
  }
}

function topHeading(root: Root): string | undefined {
  const heading = root.children.find((node) => node.type === "heading" && node.depth === 1);
  return heading === undefined ? undefined : textOf(heading) || undefined;
}

function sectionsOf(root: Root, source: string, mark: number): MarkdownSection[] {
  const nodes = root.children.filter((node) => node.type !== "yaml");
  const begins = nodes.map((node) => beginOf(node, source, mark));
  begins.push(source.length);
  const sections: MarkdownSection[] = [];
  const path: { depth: number; text: string }[] = [];
  let blocks: SourceRange[] = [];
  let headed = false;
  const close = (): void => {
    if (blocks.length === 0) return;
    const [begin, end] = [blocks[0]!.begin, blocks.at(-1)!.end];
    sections.push({ begin, end, heading: path.map(({ text }) => text), blocks, headed });
    blocks = [];
  };
  for (const [index, node] of nodes.entries()) {
    if (node.type === "heading") {
      close();
      headed = true;
      while ((path.at(-1)?.depth ?? 0) >= node.depth) path.pop();
      path.push({ depth: node.depth, text: textOf(node) });
    }
    blocks.push({ begin: begins[index]!, end: begins[index + 1]! });
  }
  close();
  return sections;
}

/** Where a block begins, its indentation included if nothing else stands before it in the line. */
function beginOf(node: Nodes, source: string, mark: number): number {
  const offset = node.position!.start.offset! + mark;
  let begin = offset;
  while (begin > 0 && (source[begin - 1] === " " || source[begin - 1] === "\t")) begin--;
  return begin === 0 || source[begin - 1] === "\n" || source[begin - 1] === "\r" ? begin : offset;
}

const isInline = ({ type }: Nodes): boolean => type === "paragraph" || type === "heading";

function atomsOf(root: Root, source: string, mark: number): MarkdownAtom[] {
  const atoms: MarkdownAtom[] = [];
  walk(root, (node) => {
    if (isInline(node)) return false;
    if (node.type !== "code" && node.type !== "table" && node.type !== "math") return true;
    const range = { begin: node.position!.start.offset! + mark, end: node.position!.end.offset! + mark };
    if (node.type === "code") {
      const language = node.lang?.toLowerCase();
      atoms.push({ kind: "code", ...range, ...(language === undefined ? {} : { language }) });
    } else if (node.type === "math") {
      atoms.push({ kind: "math", ...range });
    } else {
      const lines = source.slice(range.begin, range.end).split(/\r\n|\r|\n/, 2);
      atoms.push({ kind: "table", ...range, header: lines.map((line) => line.trim()).join("\n") });
    }
    return false;
  });
  return atoms;
}

function seamsOf(root: Root, source: string, mark: number): MarkdownSeam[] {
  const seams: MarkdownSeam[] = [];
  walk(root, (node, depth) => {
    // Depth 1 are the blocks of the document itself; what is nested in them can be a place to cut.
    if (depth >= 2) seams.push({ offset: beginOf(node, source, mark), depth: depth - 1 });
    return depth < maxDepth && !isInline(node) && node.type !== "table";
  });
  return seams;
}
