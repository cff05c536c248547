import { parse, type postprocess, preprocess } from "micromark";
import { subtokenize } from "micromark-util-subtokenize";
import { scanBlocks } from "./block-scanner.ts";
import { syntax, textOf, treeOfMarkdown } from "./markdown-tree.ts";

type Events = ReturnType<typeof postprocess>;
type Token = Events[number][1];

/** A block of a markdown text, with UTF-16 offsets. */
export type Block = {
  readonly kind: "heading" | "code" | "table" | "math" | "yaml" | "list" | "item" | "other";
  readonly begin: number;
  /** Exact for headings, code, tables, math and front matter only. */
  readonly end: number;
  /** 1 for the blocks of the document itself. */
  readonly depth: number;
  /** 1 to 6, of headings. */
  level: number;
  /** Of a heading of the document itself what it says, in one line; of code the first word behind its fence. */
  text: string;
};

const kinds: { readonly [token: string]: Block["kind"] } = {
  atxHeading: "heading",
  setextHeading: "heading",
  codeFenced: "code",
  codeIndented: "code",
  mathFlow: "math",
  table: "table",
  yaml: "yaml",
  listOrdered: "list",
  listUnordered: "list",
  listItemPrefix: "item",
  blockQuote: "other",
  definition: "other",
  gfmFootnoteDefinition: "other",
  htmlFlow: "other",
  paragraph: "other",
  thematicBreak: "other",
};
const headingTexts = new Set<string>(["atxHeadingText", "setextHeadingText"]);

/** Without any of these a heading's text stands for itself; a low line within a word does too. */
const markup = /[\\`*~[<\0\r\n]|&[#a-z]|(?<![a-z0-9])_|_(?![a-z0-9])|\$\$/i;
const escapes = /[\\&\0]/;
/** Code that says what stands between two backticks, whatever that is. */
const codeSpan = /(?<!`)`([^` ](?:[^`]*[^` ])?)`(?!`)/g;

/**
 * The blocks of a text, each followed by those in it: what the full tree has, without reading the insides of paragraphs and
 * cells, which takes more than half of the time.
 */
export function blocksOf(source: string): Block[] {
  const scanned = scanBlocks(source);
  if (scanned === undefined) return parsedBlocks(source);
  readHeadings(scanned.blocks, source, () => scanned.names);
  return scanned.blocks;
}

/** The same of a text whose blocks and headings need no parser; nothing of another. */
export function plainBlocksOf(source: string): Block[] | undefined {
  const scanned = scanBlocks(source);
  return scanned === undefined || markedHeadings(scanned.blocks).length > 0 ? undefined : scanned.blocks;
}

/** The same by the parser alone. */
export function parsedBlocks(source: string): Block[] {
  const events = blockEvents(source);
  const blocks: Block[] = [];
  const open: Block[] = [];
  const leaveItem = (): void => void (open.at(-1)?.kind === "item" && open.pop());
  for (const [change, token] of events) {
    const { type } = token;
    const kind = kinds[type];
    if (change === "exit") {
      // Items have no token of their own: one ends with the next, or with its list.
      if (kind === "list") leaveItem();
      if (kind !== undefined && kind !== "item") open.pop();
      continue;
    }
    const [begin, end] = [token.start.offset, token.end.offset];
    if (kind !== undefined) {
      if (kind === "item") leaveItem();
      const block: Block = { kind, begin, end, depth: open.length + 1, level: 0, text: "" };
      blocks.push(block);
      open.push(block);
    } else if (type === "atxHeadingSequence") {
      open.at(-1)!.level ||= end - begin;
    } else if (type === "setextHeadingLineSequence") {
      open.at(-1)!.level = source[begin] === "=" ? 1 : 2;
    } else if (type === "codeFencedFenceInfo") {
      const block = open.at(-1)!;
      const info = source.slice(begin, end);
      block.text = escapes.test(info) ? languageOf(source.slice(block.begin, end)) : info;
    } else if (headingTexts.has(type)) {
      open.at(-1)!.text = source.slice(begin, end);
    }
  }
  readHeadings(blocks, source, () => namesIn(events));
  return blocks;
}

/** The events of a text's blocks; what stands inside of a paragraph, a heading or a cell stays one token. */
function blockEvents(source: string): Events {
  const events = parse({ extensions: [syntax] })
    .document()
    .write(preprocess()(source, undefined, true));
  let done: boolean;
  do {
    for (const [, token] of events) if (isInline(token)) delete token.contentType;
    done = subtokenize(events);
  } while (!done);
  return events;
}

function isInline({ contentType }: Token): boolean {
  return contentType === "text" || contentType === "string";
}

/**
 * Reads what headings say. Lines with markup are read by themselves, together with the names that links in them may refer to;
 * with markup in one that is underlined, which may have several lines, the whole text is read; with a note in one too, as a text that
 * begins with `---` has links of such names instead.
 */
function readHeadings(blocks: readonly Block[], source: string, names: () => readonly string[]): void {
  const marked = markedHeadings(blocks);
  if (marked.length === 0) return;
  const isWhole = marked.some(({ begin, text }) => source[begin] !== "#" || text.includes("[^"));
  const lines = marked.map(({ begin, end }) => source.slice(begin, end));
  const tree = treeOfMarkdown(isWhole ? source : [...lines, ...names()].join("\n\n"));
  const nodes = tree.children.filter(({ type }) => type === "heading");
  for (const [at, heading] of (isWhole ? blocks.filter(isTopHeading) : marked).entries())
    heading.text = textOf(nodes[at]!);
}

/** Headings that only the parser can read; the text of all others is made what they say. */
function markedHeadings(blocks: readonly Block[]): Block[] {
  return blocks.filter((block) => {
    if (!isTopHeading(block)) return false;
    // Most headings with markup have none but code.
    if (markup.test(block.text.replaceAll(codeSpan, "."))) return true;
    block.text = block.text.replaceAll(codeSpan, "$1").replaceAll(/\s+/g, " ").trim();
    return false;
  });
}

function isTopHeading({ kind, depth }: Block): boolean {
  return kind === "heading" && depth === 1;
}

/** Definitions of all names that links and notes of a text may refer to. */
function namesIn(events: Events): string[] {
  const { defined, gfmFootnotes = [] } = events[0]![2].parser as { defined: string[]; gfmFootnotes?: string[] };
  return [...defined, ...gfmFootnotes.map((name) => `^${name}`)].map((name) => `[${name}]: x`);
}

/** The language of a code block, of which the begin up to it is given; escapes are resolved. */
function languageOf(fence: string): string {
  const [code] = treeOfMarkdown(fence).children;
  return code?.type === "code" ? (code.lang ?? "") : "";
}
