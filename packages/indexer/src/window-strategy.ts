import { PipeError } from "@pipe/core";
import { headingAt } from "./heading-at.ts";
import { budgetOf, IndexingStrategy, type Piece } from "./indexing-strategy.ts";
import type { MarkdownDocument } from "./markdown-document.ts";
import { splitRange } from "./split-range.ts";

/**
 * Cuts a document into passages of at most `tokens` tokens of 4 characters without regard to sections; each begins with
 * the last `overlap` tokens of the one before it, from a word on. Code blocks and tables of up to four times `tokens` stay whole.
 */
export class WindowStrategy extends IndexingStrategy {
  readonly id: string;
  readonly #budget: number;
  readonly #overlap: number;

  /** @param options.tokens default 256. @param options.overlap default an eighth of `tokens`. @throws PipeError `strategy-invalid`. */
  constructor({
    tokens = 256,
    overlap = tokens >> 3,
  }: { readonly tokens?: number | undefined; readonly overlap?: number | undefined } = {}) {
    super();
    const budget = budgetOf(tokens);
    if (!Number.isInteger(overlap) || overlap < 0 || overlap >= tokens) {
      throw new PipeError("strategy-invalid", "Windows must overlap by less than their own size.", {
        expected: `a whole number from 0 to ${tokens - 1}`,
        got: String(overlap),
      });
    }
    this.#overlap = overlap === 0 ? 0 : budgetOf(overlap);
    this.#budget = budget - this.#overlap;
    this.id = `window-1:${tokens}:${overlap}`;
  }

  /** @inheritdoc */
  protected cut(document: MarkdownDocument): readonly Piece[] {
    const { sections, source } = document;
    const [first] = sections;
    if (first === undefined) return [];
    const ranges = splitRange(document, { begin: first.begin, end: source.length }, this.#budget);
    return ranges.map(({ begin, end }) => {
      const earliest = Math.max(begin - this.#overlap, first.begin);
      // Back to the begin of a word; where there is none, without overlap.
      const word = earliest === first.begin ? earliest : source.slice(earliest, begin).search(/(?<=\s)\S/) + earliest;
      const from = word < earliest ? begin : word;
      return { begin: from, end, heading: headingAt(sections, begin) };
    });
  }
}
