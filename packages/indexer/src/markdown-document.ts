import type { Json } from "@pipe/core";

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

/** What should stay in one piece, at any depth. */
export type MarkdownAtom = SourceRange & {
  readonly kind: "code" | "table" | "math";
  /** The language of a code block, in lower case. */
  readonly language?: string;
  /** The first two lines of a table: its columns' names and the line below them. */
  readonly header?: string;
};

/** A place inside a block where a nested block begins, such as a list item. */
export type MarkdownSeam = {
  readonly offset: number;
  /** 1 for the items of a list, 2 for the blocks inside an item … */
  readonly depth: number;
};

/** A link, an image, or a link in a wiki's double brackets. */
export type MarkdownLink = SourceRange & {
  readonly kind: "link" | "image" | "wiki";
  /** Address as written; that of its definition for a reference. */
  readonly target: string;
  /** Its text, or the image's description. */
  readonly text: string;
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
  /** Code blocks, tables and display math, in order. */
  readonly atoms: readonly MarkdownAtom[];
  /** Where a list or quote that is too large may be cut, in order. */
  readonly seams: readonly MarkdownSeam[];
  /** Links and images, in order; read when they are first asked for. */
  readonly links: readonly MarkdownLink[];
};
