import type { MarkdownDocument, SourceRange } from "./markdown-parser.ts";

/** A passage of a document: `source.slice(begin, end)`. */
export type Chunk = SourceRange & {
  readonly text: string;
  /** Headings above the passage, outermost first. */
  readonly heading: readonly string[];
  /** Title and headings in one line: what the passage is about; searched and embedded with it. */
  readonly context: string;
  /** 1-based line of the passage's begin. */
  readonly line: number;
};

/** Decides how a document is cut into passages. */
export abstract class IndexingStrategy {
  /** Names the strategy and its settings: documents that were cut by another one are cut again. */
  abstract readonly id: string;

  /** The passages of a document, in order. */
  abstract chunk(document: MarkdownDocument): readonly Chunk[];
}
