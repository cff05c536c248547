import { IndexingStrategy, type Piece } from "./indexing-strategy.ts";
import type { MarkdownDocument } from "./markdown-document.ts";

/** Keeps each document in one passage: for short notes, or to rank whole documents. */
export class DocumentStrategy extends IndexingStrategy {
  readonly id = "document-1";

  /** @inheritdoc */
  protected cut({ sections, source }: MarkdownDocument): readonly Piece[] {
    const [first] = sections;
    return first === undefined ? [] : [{ begin: first.begin, end: source.length, heading: [] }];
  }
}
