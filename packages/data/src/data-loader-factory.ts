import { join, resolve } from "node:path";
import { type IBatchLoader, type ITokenizer, PipeError } from "@pipe/core";
import { type DatasetIndex, readDatasetIndex, shardPaths, type SplitName, tokenizerFile } from "./dataset-index.ts";
import { DocumentTable } from "./document-table.ts";
import { loadTokenizer } from "./load-tokenizer.ts";
import type { ShardLayout } from "./shard-format.ts";
import { TokenBatchLoader } from "./token-batch-loader.ts";
import { TokenReader } from "./token-reader.ts";
import { WindowOrder, type WindowOrderOptions } from "./window-order.ts";

/** Shard files that were made elsewhere, such as nanoGPT's `train.bin`. */
export type ForeignShards = {
  /** Paths of each split's files, in order. */
  readonly shards: { readonly [split in SplitName]?: readonly string[] };
  /** Default `"llm.c"`; nanoGPT writes `"headerless-uint16"`. */
  readonly layout?: ShardLayout;
  /** Only to turn tokens back into text. */
  readonly tokenizer?: ITokenizer;
};

/** Where a {@link DataLoaderFactory} finds its tokens: a folder of `DatasetBuilder`, or shard files. */
export type DataLoaderFactoryOptions = { readonly folder: string } | ForeignShards;

/** How batches are cut out of a split. */
export type LoaderOptions = {
  readonly split: SplitName;
  /** Rows of a batch. */
  readonly batch: number;
  /** Targets of a row. */
  readonly sequenceLength: number;
  /** Whether windows come in an order computed from seed, epoch and number. */
  readonly shuffle: boolean;
  /** Default 0. */
  readonly seed?: number;
  /** Whether epochs follow each other without end; otherwise one pass counts every target exactly once. */
  readonly repeat: boolean;
  /** Tokens from one window's begin to the next one's, up to `sequenceLength`, its default. */
  readonly stride?: number;
};

/** A loader that knows how many rows one pass over its split has. */
export type TokenLoader = IBatchLoader & { readonly windows: number };

type Split = Pick<ConstructorParameters<typeof TokenBatchLoader>[0], "reader" | "table" | "tokenizer">;

/** Opens the splits of a dataset as batch loaders. */
export class DataLoaderFactory {
  readonly #options: DataLoaderFactoryOptions;

  constructor(options: DataLoaderFactoryOptions) {
    this.#options = options;
  }

  /** Reads the `index.json` of the dataset folder. @throws PipeError `dataset-missing`, `dataset-damaged`, `dataset-newer`. */
  async describe(): Promise<DatasetIndex> {
    if ("folder" in this.#options) return readDatasetIndex(resolve(this.#options.folder));
    throw new PipeError("dataset-missing", "Shards that were made elsewhere have no index.");
  }

  /**
   * Opens one split. Its batches hold `ids` and `targets` (int32 [B, T]) and `weights` (float32 [B, T]); targets are the
   * ids one token further on.
   * @throws PipeError `dataset-missing`, `dataset-damaged`, `dataset-newer`, `dataset-too-small`, `shard-damaged`,
   * `loader-options-invalid`.
   */
  async create(options: LoaderOptions): Promise<TokenLoader> {
    const { split, batch, sequenceLength: length, stride = length, shuffle, repeat, seed = 0 } = options;
    checkCount("batch", batch, Infinity);
    checkCount("sequenceLength", length, Infinity);
    checkCount("stride", stride, length);
    const parts = await this.#open(split);
    const order: WindowOrderOptions = { tokens: parts.reader.tokens, length, stride, shuffle, repeat, seed };
    const { tokens } = order;
    // A single pass pads a short window; an endless one needs a whole window.
    if (new WindowOrder(order).windows === 0 || (repeat && tokens <= length)) {
      parts.reader[Symbol.dispose]();
      parts.table?.[Symbol.dispose]();
      throw tooSmall(split, tokens, length);
    }
    return new TokenBatchLoader({ ...parts, batch, order });
  }

  async #open(split: SplitName): Promise<Split> {
    if (!("folder" in this.#options)) {
      const { shards, layout, tokenizer } = this.#options;
      const reader = new TokenReader(shards[split] ?? [], layout);
      return { reader, table: undefined, tokenizer: async () => tokenizer ?? missingTokenizer() };
    }
    const folder = resolve(this.#options.folder);
    const info = (await readDatasetIndex(folder)).splits[split];
    const reader = new TokenReader(shardPaths(folder, info));
    const table = new DocumentTable(folder, split, info.documents);
    let tokenizer: Promise<ITokenizer> | undefined;
    return { reader, table, tokenizer: () => (tokenizer ??= loadTokenizer(join(folder, tokenizerFile))) };
  }
}

function checkCount(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new PipeError("loader-options-invalid", "An option of a batch loader is not valid.", {
    expected: most === Infinity ? "a positive integer" : `an integer from 1 to sequenceLength (${most})`,
    got: String(value),
    where: name,
  });
}

function missingTokenizer(): never {
  throw new PipeError("tokenizer-missing", "Shards that were made elsewhere name no tokenizer.", {
    fix: "pass `tokenizer` to DataLoaderFactory",
  });
}

function tooSmall(split: SplitName, tokens: number, length: number): PipeError {
  return new PipeError("dataset-too-small", `The ${split} split is smaller than one window.`, {
    expected: `at least ${length + 1} tokens for sequenceLength ${length}`,
    got: `${tokens} tokens`,
    fix:
      tokens < 2
        ? "add text, give this split a larger fraction, or split a single file by its tail (data.split.by: tail)"
        : `use a sequenceLength of at most ${tokens - 1}, or add text`,
  });
}
