/**
 * Text sources, tokenizers, token shards and resumable batch loaders.
 *
 * Text files → {@link TextDataSource} and its siblings → {@link DatasetBuilder}, which writes token shards in llm.c's
 * layout → {@link DataLoaderFactory}, whose loaders yield batches in an order that is computed, not stored.
 *
 * @packageDocumentation
 */
export { TextDataSource, type TextDataSourceOptions } from "./text-data-source.ts";
export { JsonlDataSource, type JsonlDataSourceOptions } from "./jsonl-data-source.ts";
export { MarkdownDataSource, type MarkdownDataSourceOptions } from "./markdown-data-source.ts";
export { sourceRoot } from "./source-files.ts";
export { ParquetDataSource, type ParquetColumns, type ParquetDataSourceOptions } from "./parquet-data-source.ts";
export { HuggingFaceDataSource, type HuggingFaceDataSourceOptions } from "./hugging-face-data-source.ts";
export { downloadHuggingFaceModel, type HuggingFaceModelOptions, isHuggingFaceModel } from "./hugging-face-model.ts";
export { ChemPileDataSource, type ChemPileDataSourceOptions } from "./chempile-data-source.ts";
export { chemPileSubsets } from "./chempile-subsets.ts";
export { createByteTokenizer } from "./byte-tokenizer.ts";
export { createCharTokenizer, learnCharacters } from "./char-tokenizer.ts";
export { createGptTokenizer } from "./gpt-tokenizer.ts";
export type { GptEncoding } from "./gpt-encodings.ts";
export { loadTokenizer } from "./load-tokenizer.ts";
export { huggingFaceTokenizer } from "./hugging-face-tokenizer.ts";
export { TokenProcessor, type TokenizedDocument } from "./token-processor.ts";
export {
  type BuildOptions,
  type BuildProgress,
  type BuildReport,
  DatasetBuilder,
  type DatasetBuilderOptions,
} from "./dataset-builder.ts";
export type { SplitOptions } from "./split.ts";
export {
  type DatasetIdentity,
  type DatasetIndex,
  readDatasetIndex,
  type SplitInfo,
  type SplitName,
} from "./dataset-index.ts";
export type { ShardInfo } from "./shard-writer.ts";
export type { ShardLayout } from "./shard-format.ts";
export { inspectShard } from "./token-reader.ts";
export {
  DataLoaderFactory,
  type DataLoaderFactoryOptions,
  type ForeignShards,
  type LoaderOptions,
  type TokenLoader,
} from "./data-loader-factory.ts";
export type { LoaderCursor } from "./token-batch-loader.ts";
