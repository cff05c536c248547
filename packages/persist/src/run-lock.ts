import { link, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PipeError } from "@pipe/core";
import { readIfThere } from "./atomic.ts";
import { isErrno } from "./errno.ts";

/**
 * Claims a run for this process, so that no second one trains in it; dispose of the result to give it free.
 *
 * The lock names the process and when it started, so that one whose process has ended is taken over even if the number was
 * given to another process since. It sees the processes of this machine only.
 *
 * @throws PipeError `run-locked`.
 */
export async function lockRun(path: string): Promise<AsyncDisposable> {
  return claim(join(path, "run.lock"));
}

let drafts = 0;

async function claim(file: string): Promise<AsyncDisposable> {
  const mine = JSON.stringify({ pid: process.pid, start: await startOf(process.pid) });
  const draft = `${file}.${process.pid}.${drafts++}`;
  await writeFile(draft, mine);
  try {
    // A link appears with its content or not at all, and never over another.
    while (!(await linkIfFree(draft, file))) await clearIfStale(file);
  } finally {
    await rm(draft, { force: true });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      if ((await readIfThere(file)) === mine) await rm(file);
    },
  };
}

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

async function clearIfStale(file: string): Promise<void> {
  const text = await readIfThere(file);
  if (text === undefined) return;
  const owner = ownerOf(text);
  if (owner !== undefined && (await isRunning(owner))) {
    throw new PipeError("run-locked", "Another process works in this run.", {
      got: `process ${owner.pid}`,
      where: file,
      fix: "wait until it ends, or stop it",
    });
  }
  // Two processes may see the same stale lock: the slower one must not remove what the faster one puts in its place.
  const guard = await claim(`${file}.takeover`);
  try {
    if ((await readIfThere(file)) === text) await rm(file);
  } finally {
    await guard[Symbol.asyncDispose]();
  }
}

type Owner = { readonly pid: number; readonly start: string | null };

function ownerOf(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    return Number.isInteger(owner?.pid) && owner!.pid! > 0 ? (owner as Owner) : undefined;
  } catch {
    return undefined; // no lock of ours was ever written in part
  }
}

async function isRunning({ pid, start }: Owner): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    if (!isErrno(error, "EPERM")) throw error; // EPERM: it runs, as another user
  }
  return (await startOf(pid)) === start;
}

/** When a process started, in clock ticks since boot; null where the system does not tell. */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  // The second field is a name in parentheses that may hold spaces; the start is the 22nd field.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}
