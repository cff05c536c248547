import type { SplitInfo, SplitName } from "./dataset-index.ts";
import { DocumentTableWriter } from "./document-table.ts";
import { ShardWriter } from "./shard-writer.ts";
import type { TokenProcessor } from "./token-processor.ts";

/** Writes the shards and the document table of one split. */
export class SplitWriter {
  tokens = 0;
  bytes = 0;
  readonly #shards: ShardWriter;
  readonly #documents: DocumentTableWriter;

  constructor(folder: string, split: SplitName, bytesPerToken: 2 | 4, shardTokens: number) {
    this.#shards = new ShardWriter(folder, split, bytesPerToken, shardTokens);
    this.#documents = new DocumentTableWriter(folder, split);
  }

  /** Appends a document, behind an end of text if one came before. */
  write(id: string, text: string, ids: Uint32Array, processor: TokenProcessor): void {
    const written = this.#documents.count > 0 ? processor.separated(ids) : ids;
    this.#documents.add(id, this.tokens);
    this.#shards.write(written);
    this.tokens += written.length;
    this.bytes += Buffer.byteLength(text);
  }

  /** Finishes the files. */
  end(): SplitInfo {
    this.#shards.end();
    this.#documents.end(this.tokens);
    const { shards } = this.#shards;
    return { shards, documents: this.#documents.count, tokens: this.tokens, bytes: this.bytes };
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#shards.abandon();
    this.#documents[Symbol.dispose]();
  }
}
