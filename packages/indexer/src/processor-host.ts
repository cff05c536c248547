import { messageOf, PipeError, type SourceDocument } from "@pipe/core";
import { DocumentProcessor, type ProcessedDocument } from "./document-processor.ts";
import { MarkdownParser, type MarkdownParserOptions } from "./markdown-parser.ts";
import { createStrategy, type StrategyConfig } from "./strategies.ts";

/** What a processing thread is made with. */
export type ProcessorSettings = { readonly parser?: MarkdownParserOptions; readonly strategy: StrategyConfig };

/** What a processing thread is asked. */
type ProcessorRequest =
  | { readonly type: "open"; readonly settings: ProcessorSettings }
  | { readonly type: "process"; readonly document: SourceDocument };

/** What it answers to a document. */
export type ProcessorAnswer =
  | { readonly processed: ProcessedDocument }
  | { readonly failure: { readonly code: string; readonly message: string } };

/** A thread's side of a channel. */
export type ProcessorPort = {
  on(event: "message", listener: (request: ProcessorRequest) => void): unknown;
  postMessage(answer: ProcessorAnswer): void;
};

/** Processes the documents that arrive at a port, one after another. */
export function serveProcessor(port: ProcessorPort): void {
  let processor: DocumentProcessor;
  port.on("message", (request) => {
    if (request.type === "open") {
      const { parser, strategy } = request.settings;
      processor = new DocumentProcessor({ parser: new MarkdownParser(parser), strategy: createStrategy(strategy) });
    } else port.postMessage(answerTo(processor, request.document));
  });
}

function answerTo(processor: DocumentProcessor, document: SourceDocument): ProcessorAnswer {
  try {
    return { processed: processor.process(document) };
  } catch (error) {
    return { failure: { code: PipeError.is(error) ? error.code : "document-unreadable", message: messageOf(error) } };
  }
}
