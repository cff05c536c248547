import { hash } from "node:crypto";
import type { Json, SourceDocument } from "@pipe/core";
import type { Chunk, IndexingStrategy } from "./indexing-strategy.ts";
import type { MarkdownDocument } from "./markdown-document.ts";
import type { MarkdownParser } from "./markdown-parser.ts";

/** A document ready to be stored. */
export type ProcessedDocument = {
  readonly id: string;
  readonly path: string;
  /** Changes when the document would be stored differently. */
  readonly hash: string;
  readonly title?: string;
  /** Front matter, typed. */
  readonly metadata?: Json;
  readonly chunks: readonly Chunk[];
};

/** Turns source documents into passages: parses, then cuts. */
export class DocumentProcessor {
  readonly #parser: MarkdownParser;
  readonly #strategy: IndexingStrategy;
  readonly #hashes = new WeakMap<SourceDocument, string>();

  constructor(options: { readonly parser: MarkdownParser; readonly strategy: IndexingStrategy }) {
    this.#parser = options.parser;
    this.#strategy = options.strategy;
  }

  /** A hash over text, path and strategy: equal hashes need no new processing. */
  hash(document: SourceDocument): string {
    let known = this.#hashes.get(document);
    if (known === undefined) {
      const { text, path, id } = document;
      known = hash("sha256", JSON.stringify([this.#strategy.id, path ?? id, text]));
      this.#hashes.set(document, known);
    }
    return known;
  }

  /** Parses and cuts one document. @throws PipeError `document-too-large`. */
  process(document: SourceDocument): ProcessedDocument {
    return this.#processed(document, this.#parser.parse(document.text));
  }

  /** The same where it is quickly done; nothing where it may take long. @throws PipeError `document-too-large`. */
  processPlain(document: SourceDocument): ProcessedDocument | undefined {
    const parsed = this.#parser.parsePlain(document.text);
    return parsed === undefined ? undefined : this.#processed(document, parsed);
  }

  #processed(document: SourceDocument, parsed: MarkdownDocument): ProcessedDocument {
    const { id, path = id } = document;
    const { title, frontMatter } = parsed;
    return {
      id,
      path,
      hash: this.hash(document),
      ...(title === undefined ? {} : { title }),
      ...(frontMatter === undefined ? {} : { metadata: frontMatter }),
      chunks: this.#strategy.chunk(parsed),
    };
  }
}
