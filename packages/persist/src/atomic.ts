import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isErrno } from "./errno.ts";
import { writeHashed } from "./hashed-file.ts";

/** Flushes a folder's entries, so that a rename in it outlives a power cut. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // folders cannot be opened there; NTFS journals its renames
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a file by new content: readers see the old file or the new one, never a part. */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.tmp-${basename(path)}`);
  await rm(temporary, { force: true });
  try {
    await writeHashed(temporary, [Buffer.from(text)]);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes a folder through a hidden sibling, so that it appears with all its files or not at all. */
export async function createFolderAtomic(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const parent = dirname(path);
  const temporary = join(parent, `.tmp-${basename(path)}`);
  await mkdir(parent, { recursive: true });
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  try {
    await fill(temporary);
    await syncFolder(temporary);
    await swapIn(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Where a folder stands while a new one takes its place: readers look here when the folder itself is missing, because no
 * system call that Node offers exchanges two folders at once.
 */
export function asideOf(path: string): string {
  return join(dirname(path), `.old-${basename(path)}`);
}

/** Removes a folder so that readers never see a part of it. */
export async function removeFolderAtomic(path: string): Promise<void> {
  const doomed = join(dirname(path), `.tmp-${basename(path)}`);
  await rm(doomed, { recursive: true, force: true });
  await rename(path, doomed);
  await syncFolder(dirname(path));
  await rm(doomed, { recursive: true });
}

async function swapIn(temporary: string, path: string): Promise<void> {
  const parent = dirname(path);
  const aside = asideOf(path);
  const replaces = await moveAway(path, aside);
  try {
    await rename(temporary, path);
  } catch (error) {
    if (replaces) await rename(aside, path);
    throw error;
  }
  await syncFolder(parent);
  await rm(aside, { recursive: true, force: true });
}

async function moveAway(path: string, aside: string): Promise<boolean> {
  try {
    // An aside folder is the only copy while `path` is missing, so it is cleared only once `path` is seen to exist.
    await stat(path);
    await rm(aside, { recursive: true, force: true });
    await rename(path, aside);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** The text of a file, or undefined where there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}
