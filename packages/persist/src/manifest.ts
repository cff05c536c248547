import { stat } from "node:fs/promises";
import { join } from "node:path";
import { PipeError, type Json } from "@pipe/core";
import { readIfThere } from "./atomic.ts";
import { canonicalJson } from "./canonical-json.ts";
import { isErrno } from "./errno.ts";
import { digestOf, type FileDigest } from "./hashed-file.ts";

/** Version of the checkpoint format that this package writes; newer ones are refused. */
export const FORMAT_VERSION = 1;

/** What a manifest says of the files beside it. */
export type Manifest = {
  readonly formatVersion: number;
  /** `text` marks what was given as a string and is given back as one. */
  readonly files: { readonly [name: string]: FileDigest & { readonly text?: boolean } };
};

/** The manifest's text. */
export function encodeManifest(files: Manifest["files"]): string {
  return canonicalJson({ formatVersion: FORMAT_VERSION, files } as Json, "manifest.json");
}

/** The manifest of a folder, or undefined where none is valid: then the checkpoint does not exist. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const text = await readIfThere(join(folder, "manifest.json"));
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // torn
  }
  return isManifest(value) ? value : undefined;
}

/** @throws PipeError `checkpoint-newer`. */
export function checkVersion({ formatVersion }: Manifest, folder: string): void {
  if (formatVersion <= FORMAT_VERSION) return;
  throw new PipeError("checkpoint-newer", "A checkpoint was written by a newer version of @pipe/persist.", {
    expected: `format version ${FORMAT_VERSION} or older`,
    got: String(formatVersion),
    where: folder,
    fix: "npm install @pipe/persist@latest",
  });
}

/** One file of a checkpoint that is not what was written. */
export type FileProblem = { readonly file: string; readonly expected: string; readonly got: string };

/** Compares files with their sizes, then with their hashes; all files of the manifest by default. */
export async function findProblems(
  folder: string,
  { files }: Manifest,
  names: readonly string[] = Object.keys(files),
): Promise<readonly FileProblem[]> {
  const problems: FileProblem[] = [];
  for (const file of names) {
    const due = files[file]!;
    const size = await sizeIfThere(join(folder, file));
    if (size !== due.size) {
      problems.push({ file, expected: `${due.size} bytes`, got: size === undefined ? "no file" : `${size} bytes` });
      continue;
    }
    const { sha256 } = await digestOf(join(folder, file));
    if (sha256 !== due.sha256) problems.push({ file, expected: `SHA-256 ${due.sha256}`, got: sha256 });
  }
  return problems;
}

/** Makes sure that files are what was written. @throws PipeError `checkpoint-damaged` that names the first that is not. */
export async function checkFiles(folder: string, manifest: Manifest, names?: readonly string[]): Promise<void> {
  const [problem, ...further] = await findProblems(folder, manifest, names);
  if (problem === undefined) return;
  throw new PipeError("checkpoint-damaged", "A checkpoint's file is not what was written.", {
    expected: problem.expected,
    got: [problem.got, ...further.map(({ file }) => `${file} is damaged too`)].join("; "),
    where: join(folder, problem.file),
    fix: "restore the file from a copy, or remove the checkpoint's folder: a run goes on from the one before it",
  });
}

/** Whether a name stays in its folder. */
export function isPlainName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name);
}

function isManifest(value: unknown): value is Manifest {
  const { formatVersion, files } = (value ?? {}) as Partial<Manifest>;
  if (!Number.isInteger(formatVersion)) return false;
  if (formatVersion! > FORMAT_VERSION) return true; // what else it holds is not known here; load must see it to refuse it
  if (files === null || typeof files !== "object" || !Object.hasOwn(files, "state.json")) return false;
  return Object.entries(files as { [name: string]: Partial<FileDigest> | null }).every(
    ([name, digest]) => isPlainName(name) && Number.isInteger(digest?.size) && typeof digest?.sha256 === "string",
  );
}

async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
