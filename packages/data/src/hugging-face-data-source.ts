import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Cursor, type IDataSource, PipeError, type SourceDocument, type SourceInfo } from "@pipe/core";
import { download, fetchJson } from "./download.ts";
import { filesFrom } from "./file-cursor.ts";
import { hubEndpoint, hubHeaders } from "./hugging-face-hub.ts";
import { type ParquetColumns, parquetDocuments } from "./parquet-data-source.ts";

/** What a {@link HuggingFaceDataSource} reads. */
export type HuggingFaceDataSourceOptions = ParquetColumns & {
  /** `owner/name` on the hub. */
  readonly dataset: string;
  /** Configuration (subset); default `"default"`. */
  readonly config?: string | undefined;
  /** Default `"train"`. */
  readonly split?: string | undefined;
  /** Folder in which downloaded files are kept, for all runs. */
  readonly cache: string;
  /** Files at most, in order; default all. */
  readonly files?: number | undefined;
  /** Access token, for data behind a login. */
  readonly token?: string | undefined;
  /** Address of the hub or of a mirror; default `https://huggingface.co`. */
  readonly endpoint?: string | undefined;
};

type RemoteFile = { readonly path: string; readonly absolute: string; readonly url: string };

/**
 * Reads a dataset of Hugging Face's hub through its Parquet files, which the hub makes of every dataset. A file is
 * downloaded when the stream comes to it, and kept; a broken download goes on where it stopped.
 */
export class HuggingFaceDataSource implements IDataSource {
  readonly #options: HuggingFaceDataSourceOptions;
  #listed: Promise<readonly RemoteFile[]> | undefined;

  constructor(options: HuggingFaceDataSourceOptions) {
    if (!/^[\w.-]+\/[\w.-]+$/.test(options.dataset)) {
      throw new PipeError("dataset-name-invalid", "A dataset of the hub is named by its owner and its name.", {
        expected: '"owner/name"',
        got: JSON.stringify(options.dataset),
      });
    }
    this.#options = options;
  }

  /**
   * Yields one document a row.
   * @throws PipeError `download-failed`, `source-empty`, `cursor-invalid`, `parquet-damaged`, `field-missing`.
   */
  async *documents(from?: Cursor): AsyncGenerator<SourceDocument> {
    const files = (await this.#files()).map((file) => ({ ...file, bytes: 0 }));
    for (const { file, offset } of filesFrom(files, from)) {
      const { url } = files.find(({ path }) => path === file.path)!;
      await download({ url, target: file.absolute, headers: hubHeaders(this.#options.token) });
      yield* parquetDocuments(file, this.#options, offset);
    }
  }

  /** Downloads nothing: the fingerprint is that of the list of files, whose addresses name a revision. @throws PipeError `download-failed`, `source-empty`. */
  async describe(): Promise<SourceInfo> {
    const files = await this.#files();
    const { dataset, config = "default", split = "train", field = "text", idField = null } = this.#options;
    const identity = [dataset, config, split, field, idField, files.map(({ url }) => url)];
    const fingerprint = createHash("sha256").update(JSON.stringify(identity)).digest("hex");
    return {
      kind: "huggingface",
      location: `${dataset}/${config}/${split}`,
      files: files.length,
      bytes: 0,
      fingerprint,
    };
  }

  async #files(): Promise<readonly RemoteFile[]> {
    this.#listed ??= this.#list();
    try {
      return await this.#listed;
    } catch (error) {
      this.#listed = undefined;
      throw error;
    }
  }

  async #list(): Promise<readonly RemoteFile[]> {
    const {
      dataset,
      config = "default",
      split = "train",
      cache,
      files: most = Number.POSITIVE_INFINITY,
    } = this.#options;
    const { endpoint = hubEndpoint } = this.#options;
    const url = `${endpoint}/api/datasets/${dataset}/parquet/${config}/${split}`;
    const urls = await fetchJson(url, hubHeaders(this.#options.token));
    if (!Array.isArray(urls) || urls.length === 0) {
      throw new PipeError("source-empty", "The hub has no Parquet files of this dataset.", {
        expected: "a list of addresses",
        got: JSON.stringify(urls).slice(0, 200),
        where: url,
        fix: "check `config` and `split` on the dataset's page",
      });
    }
    const digits = String(urls.length).length;
    return (urls as string[]).slice(0, most).map((each, i) => {
      const path = `${config}/${split}/${String(i).padStart(digits, "0")}.parquet`;
      return { path, url: each, absolute: join(cache, dataset, path) };
    });
  }
}
