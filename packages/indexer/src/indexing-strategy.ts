import { PipeError } from "@pipe/core";
import type { MarkdownDocument, SourceRange } from "./markdown-document.ts";

/** A passage of a document: `source.slice(begin, end)`. */
export type Chunk = SourceRange & {
  readonly text: string;
  /** Headings above the passage, outermost first. */
  readonly heading: readonly string[];
  /**
   * What the passage is about; searched and embedded with it: title and headings in one line, and below it the header of
   * a table or the language of a code block whose begin stands in an earlier passage.
   */
  readonly context: string;
  /** 1-based line of the passage's begin. */
  readonly line: number;
};

/** A range of a document and the headings above it. */
export type Piece = SourceRange & { readonly heading: readonly string[] };

/** Characters that count as one token. */
const charactersPerToken = 4;

/** Decides how a document is cut into passages. */
export abstract class IndexingStrategy {
  /** Names the strategy and its settings: documents that were cut by another one are cut again. */
  abstract readonly id: string;

  /** The ranges of a document's passages, in order. */
  protected abstract cut(document: MarkdownDocument): readonly Piece[];

  /** The passages of a document, in order. */
  chunk(document: MarkdownDocument): readonly Chunk[] {
    const { source } = document;
    let [line, lineEnd] = [1, source.indexOf("\n")];
    return this.cut(document).map(({ begin, end, heading }) => {
      // A window may begin before the end of the one before it, but not before its begin.
      for (; lineEnd >= 0 && lineEnd < begin; lineEnd = source.indexOf("\n", lineEnd + 1)) line++;
      return {
        begin,
        end,
        text: source.slice(begin, end),
        heading,
        context: contextOf(document, begin, heading),
        line,
      };
    });
  }
}

/** The length of passages in characters. @throws PipeError `strategy-invalid`. */
export function budgetOf(tokens: number): number {
  if (!Number.isInteger(tokens) || tokens < 1) {
    throw new PipeError("strategy-invalid", "A passage needs a positive number of tokens.", { got: String(tokens) });
  }
  return tokens * charactersPerToken;
}

function contextOf({ title, atoms }: MarkdownDocument, begin: number, heading: readonly string[]): string {
  const line = (heading[0] === title || title === undefined ? heading : [title, ...heading]).join(" › ");
  const cut = atoms.find((atom) => atom.begin < begin && begin < atom.end);
  const above = cut?.header ?? cut?.language;
  return [line, above].filter((part) => part !== undefined && part !== "").join("\n");
}
