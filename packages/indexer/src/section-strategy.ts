import { budgetOf, IndexingStrategy, type Piece } from "./indexing-strategy.ts";
import type { MarkdownDocument, MarkdownSection, SourceRange } from "./markdown-document.ts";
import { splitRange } from "./split-range.ts";

/** A piece, and whether it is a heading without text below it. */
type SectionPiece = Piece & { readonly bare: boolean };

/**
 * Cuts a document along its sections into passages of at most `tokens` tokens of 4 characters, the default. Code blocks,
 * tables and math of up to four times that stay whole; lists are cut between items; a small passage joins its neighbour
 * under the same heading. The passages tile the document from its first block to its end.
 */
export class SectionStrategy extends IndexingStrategy {
  readonly id: string;
  readonly #budget: number;

  /** @param options.tokens default 256. @throws PipeError `strategy-invalid`. */
  constructor({ tokens = 256 }: { readonly tokens?: number | undefined } = {}) {
    super();
    this.#budget = budgetOf(tokens);
    this.id = `section-2:${tokens}`;
  }

  /** @inheritdoc */
  protected cut(document: MarkdownDocument): readonly Piece[] {
    const pieces = document.sections.flatMap((section) => this.#pieces(section, document));
    const { title, frontMatter } = document;
    return this.#merge(pieces, title !== undefined && frontMatter?.["title"] === title);
  }

  /** Packs a section's blocks; what exceeds the budget alone is split. A heading goes with the block below it. */
  #pieces({ begin, end, blocks, heading, headed }: MarkdownSection, document: MarkdownDocument): SectionPiece[] {
    const bare = headed && blocks.length === 1;
    const title = headed ? blocks[0]!.end - begin : 0;
    const ranges: SourceRange[] = [];
    let open = begin;
    for (const block of bare ? blocks : blocks.slice(headed ? 1 : 0)) {
      if (block.end - open <= this.#budget) continue;
      if (block.begin > open + title || open > begin) {
        ranges.push({ begin: open, end: block.begin });
        open = block.begin;
      }
      if (block.end - open <= this.#budget) continue;
      // Room for the heading: it must not push a block that fits out of its passage.
      const first = this.#budget + (open === begin ? title : 0);
      const parts = splitRange(document, { begin: open, end: block.end }, this.#budget, { first });
      open = parts.at(-1)!.begin;
      ranges.push(...parts.slice(0, -1));
    }
    ranges.push({ begin: open, end });
    return ranges.map((range) => ({ ...range, heading, bare }));
  }

  /** @param titled whether front matter names what stands above all headings. */
  #merge(pieces: readonly SectionPiece[], titled: boolean): SectionPiece[] {
    const small = this.#budget / 4;
    const merged: SectionPiece[] = [];
    for (const piece of pieces) {
      const last = merged.at(-1);
      const shared = last === undefined ? 0 : sharedHeadings(last.heading, piece.heading);
      const belongs = last !== undefined && (last.heading.length === 0 || shared > 0 || titled);
      const fits = last !== undefined && piece.end - last.begin <= this.#budget;
      const tiny = last !== undefined && Math.min(last.end - last.begin, piece.end - piece.begin) < small;
      const below = last?.bare === true && shared === last.heading.length;
      if (last !== undefined && (below || (belongs && fits && tiny))) {
        const own = below || last.heading.length === 0;
        const heading = own ? piece.heading : last.heading.slice(0, shared);
        merged[merged.length - 1] = { begin: last.begin, end: piece.end, heading, bare: last.bare && piece.bare };
      } else {
        merged.push(piece);
      }
    }
    return merged;
  }
}

function sharedHeadings(left: readonly string[], right: readonly string[]): number {
  let count = 0;
  while (count < left.length && left[count] === right[count]) count++;
  return count;
}
