/**
 * A markdown index that is searched by words and by meaning.
 *
 * {@link MarkdownIndexer} composes the parts: {@link MarkdownParser} reads structure, an {@link IndexingStrategy} cuts
 * passages, {@link DocumentProcessor} joins the two, {@link IndexManager} stores and ranks.
 *
 * @packageDocumentation
 */
export { MarkdownIndexer, type MarkdownIndexerOptions } from "./markdown-indexer.ts";
export { type MarkdownDocument, MarkdownParser, type MarkdownSection, type SourceRange } from "./markdown-parser.ts";
export { type Chunk, IndexingStrategy } from "./indexing-strategy.ts";
export { SectionStrategy } from "./section-strategy.ts";
export { DocumentProcessor, type ProcessedDocument } from "./document-processor.ts";
export {
  IndexManager,
  type PendingChunk,
  type ScoredChunk,
  type StoredChunk,
  type VectorSpace,
} from "./index-manager.ts";
