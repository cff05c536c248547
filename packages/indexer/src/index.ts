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
export { MarkdownParser, type MarkdownParserOptions } from "./markdown-parser.ts";
export type {
  MarkdownAtom,
  MarkdownDocument,
  MarkdownLink,
  MarkdownSeam,
  MarkdownSection,
  SourceRange,
} from "./markdown-document.ts";
export { type Chunk, IndexingStrategy, type Piece } from "./indexing-strategy.ts";
export { SectionStrategy } from "./section-strategy.ts";
export { WindowStrategy } from "./window-strategy.ts";
export { SentenceStrategy } from "./sentence-strategy.ts";
export { DocumentStrategy } from "./document-strategy.ts";
export { createStrategy, type StrategyConfig } from "./strategies.ts";
export { ProcessorPool, type ProcessorPoolOptions } from "./processor-pool.ts";
export type { ProcessorSettings } from "./processor-host.ts";
export { DocumentProcessor, type ProcessedChunk, type ProcessedDocument } from "./document-processor.ts";
export { IndexManager, type IndexManagerOptions } from "./index-manager.ts";
export type { RepairReport } from "./store/repair.ts";
export type { IndexVerification } from "./store/verify.ts";
export { UsearchVectorStore, type UsearchVectorStoreOptions } from "./vectors/usearch-vector-store.ts";
export { PostgresVectorStore, type PostgresVectorStoreOptions } from "./vectors/postgres-vector-store.ts";
export { OnnxEmbedder, type OnnxEmbedderOptions } from "./embedders/onnx-embedder.ts";
export { HttpEmbedder, type HttpEmbedderOptions } from "./embedders/http-embedder.ts";
export { OnnxReranker, type OnnxRerankerOptions } from "./rerankers/onnx-reranker.ts";
export { pairedBootstrap, type PairedDifference } from "./search/paired-bootstrap.ts";
export {
  evaluateSearch,
  type AnsweredQuestion,
  type EvaluateOptions,
  type SearchQuality,
  type SearchQuestion,
} from "./search/evaluate-search.ts";
