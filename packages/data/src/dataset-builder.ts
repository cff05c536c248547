import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { definedOnly, type IDataSource, type ITokenizer, PipeError } from "@pipe/core";
import {
  type DatasetIdentity,
  type DatasetIndex,
  indexFile,
  readDatasetIndex,
  shardPaths,
  type SplitInfo,
  type SplitName,
  tokenizerFile,
} from "./dataset-index.ts";
import { recoverFolder, replaceFolder, writeSynced } from "./replace-folder.ts";
import { bytesPerTokenOf } from "./shard-format.ts";
import { resolveSplit, type SplitOptions, type SplitPiece, splitter } from "./split.ts";
import { SplitWriter } from "./split-writer.ts";
import { TokenProcessor } from "./token-processor.ts";

/** What a {@link DatasetBuilder} makes, from what, and where. */
export type DatasetBuilderOptions = {
  readonly source: IDataSource;
  readonly tokenizer: ITokenizer;
  /** Folder of the dataset; it is made, or replaced where it holds an older dataset. */
  readonly folder: string;
  readonly split: SplitOptions;
  /** Tokens of a shard file, below 2³¹; default 100,000,000. */
  readonly shardTokens?: number;
  /** Threads that make tokens, as `TokenProcessor` takes them. */
  readonly threads?: number;
};

/** How a build proceeds and how it is stopped. */
export type BuildOptions = {
  readonly signal?: AbortSignal;
  /** Called after each document that has text, once its tokens are written. */
  readonly onProgress?: (progress: BuildProgress) => void;
};

/** What is done so far. */
export type BuildProgress = { readonly documents: number; readonly tokens: number; readonly bytes: number };

/** What a build made or found. */
export type BuildReport = {
  readonly folder: string;
  /** True where an identical dataset was there already. */
  readonly reused: boolean;
  readonly splits: { readonly [split in SplitName]: SplitInfo };
  /** Documents without text, which are left out. */
  readonly emptyDocuments: number;
};

/** A piece of a document, and which document of the source it is of. */
type Part = SplitPiece & { readonly id: string; readonly document: number };

/** Writes the tokens of a source into shards of llm.c's layout, with an index beside them. */
export class DatasetBuilder {
  readonly #options: DatasetBuilderOptions;
  readonly #folder: string;
  readonly #split: Required<SplitOptions>;
  readonly #shardTokens: number;

  /** @throws PipeError `split-invalid`, `shard-tokens-invalid`. */
  constructor(options: DatasetBuilderOptions) {
    this.#options = options;
    this.#folder = resolve(options.folder);
    this.#split = resolveSplit(options.split);
    this.#shardTokens = options.shardTokens ?? 100_000_000;
    if (!Number.isInteger(this.#shardTokens) || this.#shardTokens < 1 || this.#shardTokens >= 2 ** 31) {
      throw new PipeError("shard-tokens-invalid", "A shard cannot hold that many tokens.", {
        expected: "an integer from 1 to 2^31 - 1",
        got: String(this.#shardTokens),
      });
    }
  }

  /**
   * Builds the dataset, or finds that the folder holds the same one already (source fingerprint, tokenizer, split and
   * shard size are compared). The folder changes only when everything is written: a failure leaves what was there.
   * @throws PipeError `corpus-empty`, `folder-occupied`, `token-unknown`, what the source throws, and the signal's reason.
   */
  async build(options: BuildOptions = {}): Promise<BuildReport> {
    const identity = await this.#identity();
    await recoverFolder(this.#folder);
    const existing = await this.#existing();
    if (existing !== undefined && isSame(existing, identity)) {
      return { folder: this.#folder, reused: true, splits: existing.splits, emptyDocuments: existing.emptyDocuments };
    }
    let report: BuildReport | undefined;
    await replaceFolder(this.#folder, async (temporary) => {
      const { splits, emptyDocuments } = await this.#write(temporary, options);
      const index: DatasetIndex = { ...identity, splits, emptyDocuments };
      await writeSynced(join(temporary, tokenizerFile), this.#options.tokenizer.file());
      await writeSynced(join(temporary, indexFile), `${JSON.stringify(index, null, 2)}\n`);
      report = { folder: this.#folder, reused: false, splits, emptyDocuments };
    });
    return report!;
  }

  async #identity(): Promise<DatasetIdentity> {
    const { source, tokenizer } = this.#options;
    const { kind, files, bytes, fingerprint } = await source.describe();
    const hash = createHash("sha256").update(tokenizer.file()).digest("hex");
    return {
      format: "pipe-dataset",
      version: 1,
      tokenizer: { id: tokenizer.id, hash, vocabulary: tokenizer.vocabulary },
      source: { kind, files, bytes, fingerprint },
      split: this.#split,
      shardTokens: this.#shardTokens,
    };
  }

  /** The dataset that is there, if it is whole; a folder of anything else is not ours to replace. */
  async #existing(): Promise<DatasetIndex | undefined> {
    if (!existsSync(this.#folder)) return undefined;
    const names = await readdir(this.#folder);
    if (names.length === 0) return undefined;
    if (!names.includes(indexFile)) {
      throw new PipeError("folder-occupied", "The dataset's folder holds something else.", {
        expected: "no folder, an empty one or an older dataset",
        got: `${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`,
        where: this.#folder,
        fix: "choose another folder",
      });
    }
    try {
      const index = await readDatasetIndex(this.#folder);
      for (const split of Object.values(index.splits)) shardPaths(this.#folder, split);
      return index;
    } catch (error) {
      if (PipeError.is(error, "dataset-newer")) throw error;
      return undefined;
    }
  }

  async #write(
    folder: string,
    { signal, onProgress }: BuildOptions,
  ): Promise<Pick<DatasetIndex, "splits" | "emptyDocuments">> {
    const { source, tokenizer, threads } = this.#options;
    const divide = await splitter(this.#split, source, signal);
    const processor = new TokenProcessor({ tokenizer, ...definedOnly({ threads }) });
    const bytesPerToken = bytesPerTokenOf(tokenizer.vocabulary);
    const train = new SplitWriter(folder, "train", bytesPerToken, this.#shardTokens);
    const validation = new SplitWriter(folder, "validation", bytesPerToken, this.#shardTokens);
    const writers = { train, validation };
    const read = { documents: 0, empty: 0 };
    async function* parts(): AsyncGenerator<Part> {
      for await (const document of source.documents()) {
        read.documents++;
        if (document.text === "") read.empty++;
        else for (const piece of divide(document)) yield { ...piece, id: document.id, document: read.documents };
      }
    }
    try {
      for await (const [{ split, id, text, document }, ids] of processor.encode(parts(), signal ? { signal } : {})) {
        writers[split].write(id, text, ids, processor);
        onProgress?.({
          documents: document,
          tokens: train.tokens + validation.tokens,
          bytes: train.bytes + validation.bytes,
        });
      }
      if (train.tokens + validation.tokens === 0) throw empty(read.documents);
      return { splits: { train: train.end(), validation: validation.end() }, emptyDocuments: read.empty };
    } finally {
      train[Symbol.dispose]();
      validation[Symbol.dispose]();
    }
  }
}

function isSame(existing: DatasetIndex, identity: DatasetIdentity): boolean {
  const { splits: _splits, emptyDocuments: _empty, ...rest } = existing;
  return JSON.stringify(rest) === JSON.stringify(identity);
}

function empty(documents: number): PipeError {
  return new PipeError("corpus-empty", "The source has no text.", {
    expected: "at least one document with text",
    got: `${documents} documents, all empty`,
    fix: "look at the source's path and, for JSONL, at its field",
  });
}
