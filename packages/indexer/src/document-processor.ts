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
  /** A hash of its text alone. */
  readonly content: string;
  readonly title?: string;
  /** Front matter, typed. */
  readonly metadata?: Json;
  /** What of it could not be read. */
  readonly warning?: string;
  readonly chunks: readonly ProcessedChunk[];
};

/** A passage ready to be stored. */
export type ProcessedChunk = Chunk & {
  /** {@link contentOf} its context and text. */
  readonly content: string;
};

/** What tells passages apart, 16 bytes in hex: a hash of their context and their text. */
export function contentOf(context: string, text: string): string {
  return hash("sha256", `${context}\0${text}`).slice(0, 32);
}

type Hashes = Pick<ProcessedDocument, "hash" | "content">;

/** Turns source documents into passages: parses, then cuts. */
export class DocumentProcessor {
  readonly #parser: MarkdownParser;
  readonly #strategy: IndexingStrategy;
  readonly #hashes = new WeakMap<SourceDocument, Hashes>();

  constructor(options: { readonly parser: MarkdownParser; readonly strategy: IndexingStrategy }) {
    this.#parser = options.parser;
    this.#strategy = options.strategy;
  }

  /** A hash over text, path and strategy: equal hashes need no new processing. */
  hash(document: SourceDocument): string {
    return this.#hashed(document).hash;
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

  #hashed(document: SourceDocument): Hashes {
    let hashes = this.#hashes.get(document);
    if (hashes === undefined) {
      const { text, path, id } = document;
      const content = hash("sha256", text);
      hashes = { hash: hash("sha256", JSON.stringify([this.#strategy.id, path ?? id, content])), content };
      this.#hashes.set(document, hashes);
    }
    return hashes;
  }

  #processed(document: SourceDocument, parsed: MarkdownDocument): ProcessedDocument {
    const { id, path = id } = document;
    const { title, frontMatter, frontMatterError } = parsed;
    return {
      id,
      path,
      ...this.#hashed(document),
      ...(title === undefined ? {} : { title }),
      ...(frontMatter === undefined ? {} : { metadata: frontMatter }),
      ...(frontMatterError === undefined ? {} : { warning: unreadable(frontMatterError) }),
      chunks: this.#strategy
        .chunk(parsed)
        .map((chunk) => ({ ...chunk, content: contentOf(chunk.context, chunk.text) })),
    };
  }
}

/** The parser shows the place in lines of its own. */
function unreadable(frontMatterError: string): string {
  return `its front matter is no YAML, so its fields are left out: ${frontMatterError.split("\n", 1)[0]!.replace(/:$/, "")}`;
}
