import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type Json, messageOf, nearest, PipeError } from "@pipe/core";
import { readIfThere, removeFolderAtomic, writeFileAtomic } from "./atomic.ts";
import { canonicalJson } from "./canonical-json.ts";
import { isErrno } from "./errno.ts";
import { lockRun } from "./run-lock.ts";

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
  /** Where the weights came from, in a run that no training made: it has one checkpoint and cannot be resumed. */
  readonly imported?: string;
  /** Revision of the repository that the run was started in. */
  readonly git?: string;
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
  const text = await readIfThere(join(path, "run.json")).catch((cause: unknown) => {
    throw damaged(path, messageOf(cause), cause);
  });
  if (text === undefined) throw await missing(path);
  let info: Partial<RunInfo> | null;
  try {
    info = JSON.parse(text) as Partial<RunInfo> | null;
  } catch (cause) {
    throw damaged(path, "text that is not JSON", cause);
  }
  if (typeof info?.name !== "string" || typeof info.config !== "object") throw damaged(path, "other fields");
  return folderOf(path, info as RunInfo);
}

/**
 * The runs in a folder, by name; what has no `run.json` is none.
 * @param damaged is told of each run whose `run.json` cannot be read, which is left out.
 */
export async function listRuns(
  folder: string,
  damaged: (path: string, error: PipeError) => void = () => {},
): Promise<readonly RunFolder[]> {
  const runs: RunFolder[] = [];
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    try {
      runs.push(await openRun(path));
    } catch (error) {
      if (!PipeError.is(error)) throw error;
      if (error.code !== "run-missing") damaged(path, error);
    }
  }
  return runs;
}

/** What a run writes into its folder. */
const OWN = /^(run\.json|run\.lock|events(\.\d+)?\.jsonl|checkpoints|index|\..*)$/;

/** Removes a run with everything in it, for readers all at once. @throws PipeError `run-missing`, `run-locked`, `run-occupied`. */
export async function removeRun(path: string): Promise<void> {
  if ((await readIfThere(join(path, "run.json"))) === undefined) throw await missing(path); // never some other folder
  const foreign = (await readdir(path)).filter((name) => !OWN.test(name));
  if (foreign.length > 0) {
    throw new PipeError("run-occupied", "A run's folder holds files that are not the run's; nothing was removed.", {
      got: foreign.slice(0, 5).join(", "),
      where: path,
      fix: "move these files away first",
    });
  }
  await lockRun(path);
  await removeFolderAtomic(path);
}

/** Names of folders that can be runs; hidden ones are removals that were interrupted. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

async function missing(where: string): Promise<PipeError> {
  const [parent, name] = [dirname(resolve(where)), basename(resolve(where))];
  const others = await namesIn(parent).catch(() => []);
  const runs = others.filter((other) => other !== name && existsSync(join(parent, other, "run.json")));
  const near = nearest(name, runs);
  const list = "`pipe runs list` shows the runs";
  return new PipeError("run-missing", "There is no run here.", {
    where,
    fix: near === undefined ? list : `if ${near} is meant, write that; ${list}`,
  });
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
