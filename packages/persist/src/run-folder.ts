import { mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Json, PipeError } from "@pipe/core";
import { readIfThere, writeFileAtomic } from "./atomic.ts";
import { canonicalJson } from "./canonical-json.ts";
import { isErrno } from "./errno.ts";

/** What `run.json` holds. */
export type RunInfo = {
  readonly name: string;
  /** The configuration with all defaults. */
  readonly config: Json;
  /** SHA-256 of the configuration. */
  readonly configHash: string;
  /** Versions of what computes. */
  readonly versions: { readonly [name: string]: string };
  readonly engine: string;
  readonly device: string;
};

/** Paths of a run. */
export type RunFolder = {
  readonly path: string;
  readonly info: RunInfo;
  readonly checkpoints: string;
  readonly events: string;
  readonly index: string;
};

/** Writes a run's folder with its `run.json`. @throws PipeError `run-exists` where another run has the name. */
export async function createRun(path: string, info: RunInfo): Promise<RunFolder> {
  if ((await readIfThere(join(path, "run.json"))) !== undefined) {
    throw new PipeError("run-exists", "A run of this name exists already.", {
      where: path,
      fix: "continue it with --resume, or choose another --name",
    });
  }
  await mkdir(path, { recursive: true });
  await writeFileAtomic(join(path, "run.json"), canonicalJson(info as unknown as Json, "run.json"));
  return folderOf(path, info);
}

/** Reads a run's folder. @throws PipeError `run-missing`, `run-damaged`. */
export async function openRun(path: string): Promise<RunFolder> {
  const text = await readIfThere(join(path, "run.json"));
  if (text === undefined) {
    throw new PipeError("run-missing", "There is no run here.", {
      where: path,
      fix: "`pipe runs list` shows the runs",
    });
  }
  let info: Partial<RunInfo> | null;
  try {
    info = JSON.parse(text) as Partial<RunInfo> | null;
  } catch (cause) {
    throw damaged(path, "text that is not JSON", cause);
  }
  if (typeof info?.name !== "string" || typeof info.config !== "object") throw damaged(path, "other fields");
  return folderOf(path, info as RunInfo);
}

/** The runs in a folder, by name; folders without a readable `run.json` are passed over. */
export async function listRuns(folder: string): Promise<readonly RunFolder[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  });
  const runs: RunFolder[] = [];
  for (const name of names.toSorted()) {
    try {
      runs.push(await openRun(join(folder, name)));
    } catch (error) {
      if (!PipeError.is(error)) throw error;
    }
  }
  return runs;
}

/** Removes a run with everything in it. @throws PipeError `run-missing`, `run-damaged`, `run-locked`. */
export async function removeRun(path: string): Promise<void> {
  await openRun(path);
  const lock = await lockRun(path);
  await lock[Symbol.asyncDispose]();
  await rm(path, { recursive: true });
}

/**
 * Claims a run for this process; a lock whose process has ended is taken over.
 * @throws PipeError `run-locked`.
 */
export async function lockRun(path: string): Promise<AsyncDisposable> {
  const file = join(path, "run.lock");
  for (;;) {
    try {
      const handle = await open(file, "wx");
      await handle.writeFile(String(process.pid));
      await handle.close();
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
    } catch (error) {
      if (!isErrno(error, "EEXIST")) throw error;
      const owner = Number(await readFile(file, "utf8").catch(() => "0"));
      if (isAlive(owner)) {
        throw new PipeError("run-locked", "Another process works in this run.", {
          got: `process ${owner}`,
          where: path,
          fix: "wait until it ends, or stop it",
        });
      }
      await rm(file, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid || !(pid > 0)) return pid === process.pid;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isErrno(error, "ESRCH");
  }
}

function folderOf(path: string, info: RunInfo): RunFolder {
  return {
    path,
    info,
    checkpoints: join(path, "checkpoints"),
    events: join(path, "events.jsonl"),
    index: join(path, "index"),
  };
}

function damaged(where: string, got: string, cause?: unknown): PipeError {
  return new PipeError("run-damaged", "A run's run.json cannot be read.", { got, where, cause });
}
