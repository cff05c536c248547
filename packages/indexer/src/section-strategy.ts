import { PipeError } from "@pipe/core";
import { splitRange } from "./split-range.ts";
import { type Chunk, IndexingStrategy } from "./indexing-strategy.ts";
import type { MarkdownDocument, MarkdownSection, SourceRange } from "./markdown-parser.ts";

/** Characters that count as one token. */
const charactersPerToken = 4;

type Piece = SourceRange & { readonly heading: readonly string[]; readonly bare: boolean };

/**
 * Cuts a document along its sections into passages of at most `tokens` tokens of 4 characters, the default. Code blocks
 * and tables that fit stay whole; a small passage joins its neighbour under the same heading. The passages tile the
 * document from its first block to its end.
 */
export class SectionStrategy extends IndexingStrategy {
  readonly id: string;
  readonly #budget: number;

  /** @param options.tokens default 256. @throws PipeError `strategy-invalid`. */
  constructor(options: { readonly tokens?: number } = {}) {
    super();
    const { tokens = 256 } = options;
    if (!Number.isInteger(tokens) || tokens < 1) {
      throw new PipeError("strategy-invalid", "A passage needs a positive number of tokens.", { got: String(tokens) });
    }
    this.id = `section:${tokens}`;
    this.#budget = tokens * charactersPerToken;
  }

  /** @inheritdoc */
  chunk(document: MarkdownDocument): readonly Chunk[] {
    const pieces = document.sections.flatMap((section) => this.#pieces(section, document));
    const { source, title, frontMatter } = document;
    let line = 1;
    let counted = 0;
    return this.#merge(pieces, title !== undefined && frontMatter?.["title"] === title).map(
      ({ begin, end, heading }) => {
        for (; counted < begin; counted++) if (source[counted] === "\n") line++;
        const context = (heading[0] === title || title === undefined ? heading : [title, ...heading]).join(" › ");
        return { begin, end, text: source.slice(begin, end), heading, context, line };
      },
    );
  }

  /** Packs a section's blocks; what exceeds the budget alone is split. A heading goes with the block below it. */
  #pieces({ begin, end, blocks, heading, headed }: MarkdownSection, { source, atoms }: MarkdownDocument): Piece[] {
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
      const parts = splitRange(source, { begin: open, end: block.end }, atoms, this.#budget, first);
      open = parts.at(-1)!.begin;
      ranges.push(...parts.slice(0, -1));
    }
    ranges.push({ begin: open, end });
    return ranges.map((range) => ({ ...range, heading, bare }));
  }

  /** @param titled whether front matter names what stands above all headings. */
  #merge(pieces: readonly Piece[], titled: boolean): Piece[] {
    const small = this.#budget / 4;
    const merged: Piece[] = [];
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
