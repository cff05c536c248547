import { PipeError } from "@pipe/core";
import { readFrontMatter, titleOf } from "./front-matter.ts";
import { type Block, blocksOf, plainBlocksOf } from "./markdown-blocks.ts";
import type {
  MarkdownAtom,
  MarkdownDocument,
  MarkdownLink,
  MarkdownSeam,
  MarkdownSection,
  SourceRange,
} from "./markdown-document.ts";
import { linksOf, wikiLinksOf } from "./markdown-links.ts";
import { treeOfMarkdown } from "./markdown-tree.ts";

/** How markdown is read. */
export type MarkdownParserOptions = {
  /** Also find links of the form `[[target|text]]`; default false. */
  readonly wikiLinks?: boolean;
  /** Longest text in UTF-16 units; default 8 million. Time grows faster than length where nesting is deep. */
  readonly maxLength?: number;
};

/** Characters of a text, and of its front matter, that are quickly read. */
const longestPlain = 262_144;
const longestPlainYaml = 4_096;

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
    this.#check(source);
    return this.#document(source, blocksOf(source.slice(markOf(source))));
  }

  /**
   * The same of a text that is quickly read, as it is short and has only what most texts have; nothing of another.
   * @throws PipeError `document-too-large`.
   */
  parsePlain(source: string): MarkdownDocument | undefined {
    this.#check(source);
    const blocks = source.length > longestPlain ? undefined : plainBlocksOf(source.slice(markOf(source)));
    const [first] = blocks ?? [];
    if (blocks === undefined || (first?.kind === "yaml" && first.end > longestPlainYaml)) return undefined;
    return this.#document(source, blocks);
  }

  #check(source: string): void {
    if (source.length <= this.#maxLength) return;
    throw new PipeError("document-too-large", "A document is too large to be parsed.", {
      expected: `at most ${this.#maxLength} characters`,
      got: String(source.length),
      fix: "split it into several files, or leave it out",
    });
  }

  #document(source: string, unmarked: readonly Block[]): MarkdownDocument {
    const mark = markOf(source);
    const all =
      mark === 0 ? unmarked : unmarked.map((block) => ({ ...block, begin: block.begin + mark, end: block.end + mark }));
    const isFront = all[0]?.kind === "yaml";
    const front = isFront ? readFrontMatter(linesWithin(source.slice(all[0]!.begin, all[0]!.end))) : {};
    const blocks = isFront ? all.slice(1) : all;
    const title = titleOf(front.frontMatter) ?? topHeading(blocks);
    const atoms = atomsOf(blocks, source);
    const readLinks = (): readonly MarkdownLink[] => {
      const wiki = this.#wikiLinks ? wikiLinksOf(source, atoms) : [];
      return [...linksOf(treeOfMarkdown(source.slice(mark)), mark), ...wiki].sort((a, b) => a.begin - b.begin);
    };
    let links: readonly MarkdownLink[] | undefined;
    return {
      source,
      ...(title === undefined ? {} : { title }),
      ...front,
      sections: sectionsOf(blocks, source),
      atoms,
      seams: seamsOf(blocks, source),
      // They need the whole tree, and passages do without them.
      get links(): readonly MarkdownLink[] {
        return (links ??= readLinks());
      },
    };
  }
}

/** The parser swallows a byte order mark and counts without it. */
function markOf(source: string): number {
  return source.startsWith("\uFEFF") ? 1 : 0;
}

/** Front matter without the lines around it. */
function linesWithin(block: string): string {
  return block
    .split(/\r\n|\r|\n/)
    .slice(1, -1)
    .join("\n");
}

function topHeading(blocks: readonly Block[]): string | undefined {
  const heading = blocks.find(({ depth, level }) => depth === 1 && level === 1);
  return heading?.text || undefined;
}

function sectionsOf(all: readonly Block[], source: string): MarkdownSection[] {
  const own = all.filter(({ depth }) => depth === 1);
  const begins = own.map((block) => beginOf(block, source));
  begins.push(source.length);
  const sections: MarkdownSection[] = [];
  const path: { level: number; text: string }[] = [];
  let blocks: SourceRange[] = [];
  let headed = false;
  const close = (): void => {
    if (blocks.length === 0) return;
    const [begin, end] = [blocks[0]!.begin, blocks.at(-1)!.end];
    sections.push({ begin, end, heading: path.map(({ text }) => text), blocks, headed });
    blocks = [];
  };
  for (const [index, { kind, level, text }] of own.entries()) {
    if (kind === "heading") {
      close();
      headed = true;
      while ((path.at(-1)?.level ?? 0) >= level) path.pop();
      path.push({ level, text });
    }
    // A definition directly above an underlined heading begins where that does.
    if (begins[index]! < begins[index + 1]!) blocks.push({ begin: begins[index]!, end: begins[index + 1]! });
  }
  close();
  return sections;
}

/** Where a block begins, its indentation included if nothing else stands before it in the line. */
function beginOf({ begin: offset }: Block, source: string): number {
  let begin = offset;
  while (begin > 0 && (source[begin - 1] === " " || source[begin - 1] === "\t")) begin--;
  return begin === 0 || source[begin - 1] === "\n" || source[begin - 1] === "\r" ? begin : offset;
}

function atomsOf(blocks: readonly Block[], source: string): MarkdownAtom[] {
  return blocks.flatMap(({ kind, begin, end, text }): MarkdownAtom[] => {
    if (kind === "code") return [{ kind, begin, end, ...(text === "" ? {} : { language: text.toLowerCase() }) }];
    if (kind === "math") return [{ kind, begin, end }];
    if (kind !== "table") return [];
    const lines = source.slice(begin, end).split(/\r\n|\r|\n/, 2);
    return [{ kind, begin, end, header: lines.map((line) => line.trim()).join("\n") }];
  });
}

/** Depth 1 are the blocks of the document itself; what is nested in them can be a place to cut. */
function seamsOf(blocks: readonly Block[], source: string): MarkdownSeam[] {
  return blocks
    .filter(({ depth }) => depth >= 2 && depth <= maxDepth)
    .map((block) => ({ offset: beginOf(block, source), depth: block.depth - 1 }));
}
