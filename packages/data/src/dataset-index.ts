import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, PipeError } from "@pipe/core";
import { inspectShard } from "./token-reader.ts";
import { damaged } from "./shard-format.ts";
import type { ShardInfo } from "./shard-writer.ts";
import type { SplitOptions } from "./split.ts";

/** Names of the two splits. */
export type SplitName = "train" | "validation";

/** What one split holds. */
export type SplitInfo = {
  readonly shards: readonly ShardInfo[];
  readonly documents: number;
  readonly tokens: number;
  /** UTF-8 bytes of the text: what bits per byte count. */
  readonly bytes: number;
};

/** What makes two datasets the same. */
export type DatasetIdentity = {
  readonly format: "pipe-dataset";
  readonly version: 1;
  readonly tokenizer: { readonly id: string; readonly hash: string; readonly vocabulary: number };
  readonly source: {
    readonly kind: string;
    readonly files: number;
    readonly bytes: number;
    readonly fingerprint: string;
  };
  readonly split: Required<SplitOptions>;
  readonly shardTokens: number;
};

/** The contents of `index.json`. */
export type DatasetIndex = DatasetIdentity & {
  readonly splits: { readonly [split in SplitName]: SplitInfo };
  /** Documents without text. */
  readonly emptyDocuments: number;
};

/** File names in a dataset's folder. */
export const indexFile = "index.json";
export const tokenizerFile = "tokenizer.json";

/**
 * Reads the `index.json` of a dataset folder.
 * @throws PipeError `dataset-missing`, `dataset-damaged`, `dataset-newer`.
 */
export async function readDatasetIndex(folder: string): Promise<DatasetIndex> {
  const path = join(folder, indexFile);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new PipeError("dataset-missing", "There is no dataset in this folder.", {
      expected: `an ${indexFile}`,
      got: isMissing ? `no ${indexFile}` : messageOf(cause),
      where: folder,
      fix: "name the folder that `pipe data build` or DatasetBuilder wrote",
      cause,
    });
  }
  let index: Partial<DatasetIndex> | null;
  try {
    index = JSON.parse(text) as Partial<DatasetIndex> | null;
  } catch (cause) {
    throw new PipeError("dataset-damaged", "A dataset's index is not JSON.", {
      got: messageOf(cause),
      where: path,
      cause,
    });
  }
  if (index?.format !== "pipe-dataset" || typeof index.version !== "number") {
    throw new PipeError("dataset-damaged", "This index.json is not that of a token dataset.", {
      expected: '"format": "pipe-dataset"',
      got: JSON.stringify(index?.format),
      where: path,
    });
  }
  if (index.version > 1) {
    throw new PipeError("dataset-newer", "The dataset was made by a newer version.", {
      expected: "version 1",
      got: `version ${String(index.version)}`,
      where: path,
      fix: "update @pipe/data, or build the dataset again",
    });
  }
  return index as DatasetIndex;
}

/** Paths of a split's shards, each compared with the index. @throws PipeError `shard-damaged`. */
export function shardPaths(folder: string, { shards }: SplitInfo): string[] {
  return shards.map(({ file, tokens }) => {
    const path = join(folder, file);
    const got = inspectShard(path).tokens;
    if (got !== tokens) throw damaged(`${tokens} tokens as in ${indexFile}`, `${got} tokens`, path);
    return path;
  });
}
