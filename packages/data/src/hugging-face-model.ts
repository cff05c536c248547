import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PipeError } from "@pipe/core";
import { download, fetchJson } from "./download.ts";
import { hubEndpoint, hubHeaders } from "./hugging-face-hub.ts";

/** Which files of which model of the hub, and where they are kept. */
export type HuggingFaceModelOptions = {
  /** `owner/name` on the hub. */
  readonly model: string;
  /** Whether a file, by its path in the model's repository, is wanted. */
  readonly wanted: (path: string) => boolean;
  /** Folder in which downloaded models are kept, each under its name and its commit. */
  readonly cache: string;
  /** Branch, tag or commit; default `"main"`. */
  readonly revision?: string | undefined;
  /** Access token, for models behind a login. */
  readonly token?: string | undefined;
  /** Address of the hub or of a mirror; default `https://huggingface.co`. */
  readonly endpoint?: string | undefined;
  /** Is told how many bytes of all wanted files are there. */
  readonly onProgress?: (bytes: number, total: number) => void;
};

type ListedFile = { readonly path: string; readonly size: number; readonly sha256?: string };
type Listing = { readonly commit: string; readonly files: readonly ListedFile[] };

/**
 * Brings files of a model of Hugging Face's hub into a folder, unless they are there. The commit that a revision meant the first time
 * stays: later calls need no connection, and give the same model. A broken download goes on where it stopped; sizes and, of large
 * files, SHA-256 are checked.
 *
 * @returns the folder, with the files at their paths.
 * @throws PipeError `model-name-invalid`, `model-files-missing`, `download-failed`.
 */
export async function downloadHuggingFaceModel(options: HuggingFaceModelOptions): Promise<string> {
  const { model, wanted, cache, token, revision = "main", onProgress } = options;
  const { endpoint = hubEndpoint } = options;
  if (!isHuggingFaceModel(model)) {
    throw new PipeError("model-name-invalid", "A model of the hub is named by its owner and its name.", {
      expected: '"owner/name"',
      got: JSON.stringify(model),
    });
  }
  const headers = hubHeaders(token);
  const at = encodeURIComponent(revision);
  const list = join(cache, model, `${at}.json`);
  const { commit, files } =
    (await readListing(list)) ??
    (await fetchListing(`${endpoint}/api/models/${model}/revision/${at}?blobs=true`, headers, list));
  const ours = files.filter(({ path }) => wanted(path));
  if (ours.length === 0) {
    throw new PipeError("model-files-missing", "A model of the hub has none of the files that are needed.", {
      got: files.map(({ path }) => path).join(", "),
      where: `${endpoint}/${model}`,
    });
  }
  const folder = join(cache, model, commit);
  const total = ours.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const { path, ...expected } of ours) {
    const url = `${endpoint}/${model}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
    const told = (bytes: number): void => onProgress?.(before + bytes, total);
    await download({ url, target: join(folder, path), headers, expected, onProgress: told });
    before += expected.size;
  }
  return folder;
}

/** Whether a text has the form of a model's name on the hub, `owner/name`. */
export function isHuggingFaceModel(name: string): boolean {
  return /^\w[\w.-]*\/\w[\w.-]*$/.test(name);
}

async function readListing(list: string): Promise<Listing | undefined> {
  try {
    return JSON.parse(await readFile(list, "utf8")) as Listing;
  } catch {
    return undefined;
  }
}

async function fetchListing(url: string, headers: { readonly [name: string]: string }, list: string): Promise<Listing> {
  const listing = listingOf(await fetchJson(url, headers));
  if (listing === undefined) {
    throw new PipeError("download-failed", "The hub told of a model what we do not understand.", {
      expected: "a commit, and files with their sizes",
      where: url,
    });
  }
  await mkdir(dirname(list), { recursive: true });
  await writeFile(`${list}.${process.pid}.new`, `${JSON.stringify(listing)}\n`);
  await rename(`${list}.${process.pid}.new`, list);
  return listing;
}

/** A listing by what the hub says of a model; nothing where that is none, or where a file would lie outside of its folder. */
function listingOf(told: unknown): Listing | undefined {
  const { sha, siblings } = (told ?? {}) as { sha?: unknown; siblings?: unknown };
  if (typeof sha !== "string" || !/^[0-9a-f]+$/.test(sha) || !Array.isArray(siblings)) return undefined;
  const files = siblings.map((each: { rfilename?: unknown; size?: unknown; lfs?: { sha256?: unknown } | null }) => {
    const { rfilename: path, size, lfs } = each;
    const isInside = typeof path === "string" && path.split(/[/\\]/).every((part) => !["", ".", ".."].includes(part));
    if (!isInside || typeof size !== "number") return undefined;
    return { path, size, ...(typeof lfs?.sha256 === "string" ? { sha256: lfs.sha256 } : {}) };
  });
  return files.every((file) => file !== undefined) ? { commit: sha, files } : undefined;
}
