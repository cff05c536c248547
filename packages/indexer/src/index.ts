/**
 * A markdown index that is searched by words and by meaning.
 *
 * {@link MarkdownIndexer} composes the parts: {@link MarkdownParser} reads structure, an {@link IndexingStrategy} cuts
 * passages, {@link DocumentProcessor} joins the two, {@link IndexManager} stores, {@link UsearchVectorStore} and
 * {@link PostgresVectorStore} find near vectors.
 *
 * @packageDocumentation
 */
export { type IndexedVersion, MarkdownIndexer, type MarkdownIndexerOptions } from "./markdown-indexer.ts";
export { type MarkdownDocument, MarkdownParser, type MarkdownSection, type SourceRange } from "./markdown-parser.ts";
export { type Chunk, IndexingStrategy } from "./indexing-strategy.ts";
export { SectionStrategy } from "./section-strategy.ts";
export { DocumentProcessor, type ProcessedDocument } from "./document-processor.ts";
export { IndexManager, type IndexManagerOptions } from "./index-manager.ts";
export type { RepairReport } from "./store/repair.ts";
export type { IndexVerification } from "./store/verify.ts";
export { UsearchVectorStore, type UsearchVectorStoreOptions } from "./vectors/usearch-vector-store.ts";
export { PostgresVectorStore, type PostgresVectorStoreOptions } from "./vectors/postgres-vector-store.ts";
