import { headingAt } from "./heading-at.ts";
import { budgetOf, IndexingStrategy, type Piece } from "./indexing-strategy.ts";
import type { MarkdownDocument, SourceRange } from "./markdown-document.ts";
import { splitRange } from "./split-range.ts";

/**
 * Cuts a document into single sentences, or as many as fit `tokens` tokens of 4 characters, by Unicode's rules for where
 * sentences end (UAX #29). No passage crosses a block; code blocks and tables are passages of their own.
 */
export class SentenceStrategy extends IndexingStrategy {
  readonly id: string;
  readonly #budget: number;
  readonly #segmenter = new Intl.Segmenter("en", { granularity: "sentence" });

  /** @param options.tokens default 64. @throws PipeError `strategy-invalid`. */
  constructor({ tokens = 64 }: { readonly tokens?: number | undefined } = {}) {
    super();
    this.#budget = budgetOf(tokens);
    this.id = `sentence-1:${tokens}`;
  }

  /** @inheritdoc */
  protected cut(document: MarkdownDocument): readonly Piece[] {
    return document.sections.flatMap(({ blocks }) =>
      blocks
        .flatMap((block) => this.#sentences(document, block))
        .map((range) => ({ ...range, heading: headingAt(document.sections, range.begin) })),
    );
  }

  #sentences(document: MarkdownDocument, block: SourceRange): SourceRange[] {
    const { source, atoms } = document;
    const isAtom = atoms.some(({ begin, end }) => begin < block.end && end > block.begin);
    if (isAtom) return splitRange(document, block, this.#budget);
    const ranges: SourceRange[] = [];
    for (const { index, segment } of this.#segmenter.segment(source.slice(block.begin, block.end))) {
      const [begin, end] = [block.begin + index, block.begin + index + segment.length];
      const last = ranges.at(-1);
      if (last !== undefined && end - last.begin <= this.#budget)
        ranges[ranges.length - 1] = { begin: last.begin, end };
      else ranges.push(...splitRange(document, { begin, end }, this.#budget));
    }
    return ranges;
  }
}
