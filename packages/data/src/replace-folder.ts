import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Fills a temporary folder beside `folder` and puts it in the place of `folder` when it is complete; on an error the old
 * folder stays as it was. Left-overs of processes that died are removed, and a swap that was cut off is completed.
 *
 * @param fill writes the files and flushes them.
 */
export async function replaceFolder(folder: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  await recoverFolder(folder);
  const temporary = `${folder}.building-${process.pid}`;
  const previous = `${folder}.previous`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  try {
    await fill(temporary);
    await syncFolder(temporary);
    const replaced = existsSync(folder);
    if (replaced) await rename(folder, previous);
    await rename(temporary, folder);
    await syncFolder(parent);
    if (replaced) await rm(previous, { recursive: true, force: true });
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!existsSync(folder) && existsSync(previous)) await rename(previous, folder);
    throw error;
  }
}

/** Puts back what a swap that was cut off moved away, and removes the temporary folders of processes that are gone. */
export async function recoverFolder(folder: string): Promise<void> {
  const previous = `${folder}.previous`;
  if (existsSync(previous)) {
    if (existsSync(folder)) await rm(previous, { recursive: true, force: true });
    else await rename(previous, folder);
  }
  const parent = dirname(folder);
  const prefix = `${basename(folder)}.building-`;
  if (!existsSync(parent)) return;
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix) || isAlive(Number(name.slice(prefix.length)))) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Writes a file and flushes it. */
export async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folder; there a rename is durable without it.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
