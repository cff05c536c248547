import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Cursor, type IDataSource, PipeError, type SourceDocument, type SourceInfo } from "@pipe/core";
import type { chemPileSubsets } from "./chempile-subsets.ts";
import { HuggingFaceDataSource } from "./hugging-face-data-source.ts";
import { JsonlDataSource } from "./jsonl-data-source.ts";
import { ParquetDataSource } from "./parquet-data-source.ts";
import { listFiles } from "./source-files.ts";

/** What a {@link ChemPileDataSource} reads. */
export type ChemPileDataSourceOptions = {
  /** A folder, a file or a glob of a part that is on disk, in Parquet or JSON lines. Without it the hub is asked. */
  readonly path?: string | undefined;
  /** The collection on the hub; default `"education"`. */
  readonly subset?: (typeof chemPileSubsets)[number] | undefined;
  /** Part of the collection, as its page names it; default `"default"`. */
  readonly config?: string | undefined;
  /** Default `"train"`. */
  readonly split?: string | undefined;
  /** Where downloads are kept; needed without `path`. */
  readonly cache?: string | undefined;
  /** The field that holds the text; default `"text"`. */
  readonly field?: string | undefined;
  /** Files at most that are taken from the hub; default all. */
  readonly files?: number | undefined;
  readonly token?: string | undefined;
  readonly endpoint?: string | undefined;
};

/**
 * Reads the ChemPile, chemistry text for language models, from the hub or from a part of it on disk (Mirza et al., 2025,
 * "ChemPile: A 250GB Diverse and Curated Dataset for Chemical Foundation Models").
 */
export class ChemPileDataSource implements IDataSource {
  readonly #options: ChemPileDataSourceOptions;
  #source: Promise<IDataSource> | undefined;

  /** @throws PipeError `cache-missing` where neither `path` nor `cache` is given. */
  constructor(options: ChemPileDataSourceOptions = {}) {
    if (options.path === undefined && options.cache === undefined) {
      throw new PipeError("cache-missing", "The ChemPile comes from the hub, and needs a folder to be kept in.", {
        expected: "`cache`, or `path` for a part that is on disk",
        got: "neither",
      });
    }
    this.#options = options;
  }

  /** Yields its documents. @throws PipeError as {@link HuggingFaceDataSource}, {@link ParquetDataSource} and {@link JsonlDataSource} do. */
  async *documents(from?: Cursor): AsyncGenerator<SourceDocument> {
    yield* (await this.#opened()).documents(from);
  }

  /** Describes what it reads. @throws PipeError `download-failed`, `source-missing`, `source-empty`. */
  async describe(): Promise<SourceInfo> {
    return { ...(await (await this.#opened()).describe()), kind: "chempile" };
  }

  async #opened(): Promise<IDataSource> {
    this.#source ??= this.#open();
    try {
      return await this.#source;
    } catch (error) {
      this.#source = undefined;
      throw error;
    }
  }

  async #open(): Promise<IDataSource> {
    const { path, subset = "education", cache, field = "text", ...hub } = this.#options;
    if (path === undefined)
      return new HuggingFaceDataSource({ dataset: `jablonkagroup/chempile-${subset}`, cache: cache!, field, ...hub });
    const files = await listFiles(path, [".parquet", ".jsonl", ".ndjson"]);
    const isFolder = (await stat(resolve(path)).catch(() => undefined))?.isDirectory() === true;
    const isParquet = files.every((file) => file.path.toLowerCase().endsWith(".parquet"));
    if (!isParquet && files.some((file) => file.path.toLowerCase().endsWith(".parquet"))) {
      throw new PipeError("source-mixed", "A source holds Parquet files and JSON lines.", {
        got: files
          .map((file) => file.path)
          .slice(0, 5)
          .join(", "),
        where: resolve(path),
        fix: isFolder ? "name one kind by a glob, such as folder/**/*.parquet" : "narrow the glob to one kind",
      });
    }
    return isParquet ? new ParquetDataSource({ path, field }) : new JsonlDataSource({ path, field });
  }
}
