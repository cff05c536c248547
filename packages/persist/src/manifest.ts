import { join } from "node:path";
import { type Json, PipeError, type VerifyReport } from "@pipe/core";
import { readIfThere } from "./atomic.ts";
import { canonicalJson } from "./canonical-json.ts";
import { digestOf, type FileDigest } from "./hashed-file.ts";
import { isErrno } from "./errno.ts";

/** Version of the checkpoint format that this package writes. */
export const FORMAT_VERSION = 1;

/** What a manifest says of the files beside it. */
export type Manifest = { readonly formatVersion: number; readonly files: { readonly [name: string]: FileDigest } };

/** The manifest's text. */
export function encodeManifest(files: Manifest["files"]): string {
  return canonicalJson({ formatVersion: FORMAT_VERSION, files } as Json, "manifest.json");
}

/** The manifest of a folder, or undefined where there is none that can be read: then the checkpoint does not exist. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const text = await readIfThere(join(folder, "manifest.json"));
  try {
    const manifest = JSON.parse(text ?? "") as Partial<Manifest> | null;
    const valid = typeof manifest?.formatVersion === "number" && typeof manifest.files === "object";
    return valid ? (manifest as Manifest) : undefined;
  } catch {
    return undefined;
  }
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

/** Compares every file with its size and hash. */
export async function verifyFiles(folder: string, { files }: Manifest): Promise<VerifyReport> {
  const problems: string[] = [];
  for (const [name, expected] of Object.entries(files)) {
    try {
      const { size, sha256 } = await digestOf(join(folder, name));
      if (size !== expected.size) problems.push(`${name}: expected ${expected.size} bytes, got ${size}`);
      else if (sha256 !== expected.sha256) problems.push(`${name}: expected SHA-256 ${expected.sha256}, got ${sha256}`);
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
      problems.push(`${name}: expected ${expected.size} bytes, got no file`);
    }
  }
  return { ok: problems.length === 0, problems };
}
