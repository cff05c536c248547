import type { SourceDocument } from "@pipe/core";
import { DocumentProcessor, type ProcessedChunk, type ProcessedDocument } from "./document-processor.ts";
import { MarkdownParser, type MarkdownParserOptions } from "./markdown-parser.ts";
import { createStrategy, type StrategyConfig } from "./strategies.ts";

/** What documents are processed with, as plain data. */
export type ProcessorSettings = { readonly parser?: MarkdownParserOptions; readonly strategy: StrategyConfig };

/** A processed document of which only the places of its passages are known. */
export type Outline = Omit<ProcessedDocument, "chunks"> & { readonly chunks: readonly Omit<ProcessedChunk, "text">[] };

/** What a processing thread serves. */
export type ProcessorApi = ReturnType<typeof createProcessorHost>;

/** Processes documents for a worker or the thread at hand. */
export function createProcessorHost() {
  let processor: DocumentProcessor | undefined;
  return {
    /** Comes first. @throws PipeError `strategy-invalid`. */
    open(settings: ProcessorSettings): void {
      processor = processorOf(settings);
    },
    /** A document without the texts of its passages: whoever asks has them. */
    outline(document: SourceDocument): Outline {
      const { chunks, ...processed } = processor!.process(document);
      return { ...processed, chunks: chunks.map(({ text: _, ...chunk }) => chunk) };
    },
  };
}

/** Makes a processor from plain data. @throws PipeError `strategy-invalid`. */
export function processorOf({ parser, strategy }: ProcessorSettings): DocumentProcessor {
  return new DocumentProcessor({ parser: new MarkdownParser(parser), strategy: createStrategy(strategy) });
}
