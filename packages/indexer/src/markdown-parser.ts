import { type Json, messageOf } from "@pipe/core";
import type { Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { frontmatterFromMarkdown } from "mdast-util-frontmatter";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { frontmatter } from "micromark-extension-frontmatter";
import { gfm } from "micromark-extension-gfm";
import { parse as parseYaml } from "yaml";

/** A half-open range of UTF-16 offsets in the source. */
export type SourceRange = { readonly begin: number; readonly end: number };

/** A heading and what stands below it, up to the next heading of any level; the first section may have no heading. */
export type MarkdownSection = SourceRange & {
  /** Headings above the text, outermost first, its own last. */
  readonly heading: readonly string[];
  /** Whether the first block is the section's heading. */
  readonly headed: boolean;
  /** Block elements, each up to the begin of the next. */
  readonly blocks: readonly SourceRange[];
};

/** A markdown text by its structure. */
export type MarkdownDocument = {
  readonly source: string;
  /** Front matter's `title`, else the first heading of level 1. */
  readonly title?: string;
  /** The fields of YAML front matter, typed; absent where there is none or it is not a valid mapping. */
  readonly frontMatter?: { readonly [field: string]: Json };
  /** Why front matter could not be read. */
  readonly frontMatterError?: string;
  /** They follow each other without gap from the first block to the end of the source. */
  readonly sections: readonly MarkdownSection[];
  /** Code blocks and tables, at any depth, in order: what should stay in one piece. */
  readonly atoms: readonly SourceRange[];
};

// The extensions' transforms walk the tree recursively and change only links, which nobody here reads.
const fromGfm = gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] }));

/** Parses CommonMark with GitHub's extensions and YAML front matter into sections with exact source offsets. */
export class MarkdownParser {
  /** Never throws: any text is markdown. */
  parse(source: string): MarkdownDocument {
    // The parser swallows a byte order mark and counts without it.
    const mark = source.startsWith("\uFEFF") ? 1 : 0;
    const root = fromMarkdown(source.slice(mark), {
      extensions: [frontmatter(["yaml"]), gfm()],
      mdastExtensions: [frontmatterFromMarkdown(["yaml"]), fromGfm],
    });
    const yaml = root.children[0]?.type === "yaml" ? root.children[0].value : undefined;
    const front = yaml === undefined ? {} : readFrontMatter(yaml);
    const sections = sectionsOf(root, source, mark);
    const title = titleOf(front.frontMatter) ?? topHeading(root);
    return { source, ...(title === undefined ? {} : { title }), ...front, sections, atoms: atomsOf(root, mark) };
  }
}

function readFrontMatter(yaml: string): Pick<MarkdownDocument, "frontMatter" | "frontMatterError"> {
  try {
    const value: unknown = parseYaml(yaml, { logLevel: "error" });
    if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
    return { frontMatter: JSON.parse(JSON.stringify(value)) as { [field: string]: Json } };
  } catch (error) {
    return { frontMatterError: messageOf(error) };
  }
}

function titleOf(frontMatter: MarkdownDocument["frontMatter"]): string | undefined {
  const title = frontMatter?.["title"];
  return typeof title === "string" && title.trim() !== "" ? title.trim() : undefined;
}

function topHeading(root: Root): string | undefined {
  const heading = root.children.find((node) => node.type === "heading" && node.depth === 1);
  return heading === undefined ? undefined : textOf(heading) || undefined;
}

function sectionsOf(root: Root, source: string, mark: number): MarkdownSection[] {
  const nodes = root.children.filter((node) => node.type !== "yaml");
  const begins = nodes.map((node) => lineBegin(source, node.position!.start.offset! + mark));
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

/** Steps back over the indentation of a block that begins its line. */
function lineBegin(source: string, offset: number): number {
  let begin = offset;
  while (begin > 0 && (source[begin - 1] === " " || source[begin - 1] === "\t")) begin--;
  return begin === 0 || source[begin - 1] === "\n" || source[begin - 1] === "\r" ? begin : offset;
}

/** The text of inline content, in one line. A stack instead of recursion: nesting may be thousands deep. */
function textOf(node: Nodes): string {
  const parts: string[] = [];
  const stack: Nodes[] = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.type === "break") parts.push(" ");
    else if (next.type === "image" || next.type === "imageReference") parts.push(next.alt ?? "");
    else if ("children" in next) stack.push(...next.children.toReversed());
    else if ("value" in next && next.type !== "html") parts.push(next.value);
  }
  return parts.join("").replaceAll(/\s+/g, " ").trim();
}

function atomsOf(root: Root, mark: number): SourceRange[] {
  const atoms: SourceRange[] = [];
  const stack: Nodes[] = [root];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.type === "code" || next.type === "table") {
      atoms.push({ begin: next.position!.start.offset! + mark, end: next.position!.end.offset! + mark });
    } else if (next.type !== "paragraph" && next.type !== "heading" && "children" in next) {
      for (const child of next.children.toReversed()) stack.push(child);
    }
  }
  return atoms;
}
