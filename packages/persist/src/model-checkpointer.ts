import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  messageOf,
  PipeError,
  type CheckpointMetadata,
  type CheckpointRef,
  type ICheckpointer,
  type ISnapshot,
  type VerifyReport,
} from "@pipe/core";
import { asideOf, createFolderAtomic, removeFolderAtomic } from "./atomic.ts";
import { readCheckpoint, type LoadedCheckpoint } from "./checkpoint-reader.ts";
import { checkFileNames, writeCheckpoint } from "./checkpoint-writer.ts";
import { isErrno } from "./errno.ts";
import { checkFiles, checkVersion, findProblems, FORMAT_VERSION, readManifest } from "./manifest.ts";

const NAME = /^step-(\d{8,})$/;
const ASIDE = /^\.old-(?=step-)/;

/** Where checkpoints lie. */
export type ModelCheckpointerOptions = {
  /** Made when the first checkpoint is saved. */
  readonly folder: string;
};

/**
 * Writes and reads checkpoint folders that are complete or absent: a folder appears by a rename, with the hashes of its
 * files in a manifest, and nothing in it depends on clock, host or path.
 *
 * One process saves into a folder at a time (the lock of its run sees to that); any number may read meanwhile.
 */
export class ModelCheckpointer implements ICheckpointer {
  readonly #folder: string;
  #queue: Promise<unknown> = Promise.resolve();

  constructor({ folder }: ModelCheckpointerOptions) {
    this.#folder = folder;
  }

  /**
   * Writes a checkpoint for `metadata.state.step` and replaces one of the same step. Saves wait for each other; the snapshot
   * stays the caller's to dispose of.
   *
   * @throws PipeError `checkpoint-failed`; what was stored before stays as it was.
   */
  async save(state: ISnapshot, metadata: CheckpointMetadata): Promise<CheckpointRef> {
    const { step } = metadata.state;
    const location = join(this.#folder, `step-${String(step).padStart(8, "0")}`);
    return this.#oneByOne(async () => {
      try {
        checkStep(step);
        checkFileNames(Object.keys(metadata.files));
        await createFolderAtomic(location, (folder) => writeCheckpoint(folder, state, metadata));
      } catch (error) {
        throw saveFailed(location, error);
      }
      return { step, location };
    });
  }

  /**
   * Opens one checkpoint, the newest by default, after its files have been compared with their hashes.
   *
   * @throws PipeError `checkpoint-missing`, `checkpoint-damaged`, `checkpoint-newer`.
   */
  async load(ref?: CheckpointRef): Promise<LoadedCheckpoint> {
    const wanted = ref ?? (await this.list()).at(-1);
    if (wanted === undefined) throw missing(this.#folder);
    let found = await find(wanted);
    for (;;) {
      if (found === undefined) throw missing(wanted.location);
      try {
        checkVersion(found.manifest, found.folder);
        await checkFiles(found.folder, found.manifest);
        return await readCheckpoint(found.folder, found.manifest);
      } catch (error) {
        const now = await find(wanted);
        if (isDeepStrictEqual(now, found)) throw error;
        found = now; // it was replaced or removed while it was read
      }
    }
  }

  async list(): Promise<readonly CheckpointRef[]> {
    const refs = new Map<number, CheckpointRef>();
    for (const name of await this.#names()) {
      const digits = NAME.exec(name.replace(ASIDE, ""))?.[1];
      if (digits === undefined) continue;
      const ref = { step: Number(digits), location: join(this.#folder, name.replace(ASIDE, "")) };
      if (!refs.has(ref.step) && (await find(ref)) !== undefined) refs.set(ref.step, ref);
    }
    return [...refs.values()].sort((a, b) => a.step - b.step);
  }

  /** Removes a checkpoint, for readers all at once. @throws PipeError `checkpoint-missing`. */
  async remove(ref: CheckpointRef): Promise<void> {
    return this.#oneByOne(async () => {
      const found = await find(ref);
      if (found === undefined) throw missing(ref.location);
      // What a replacement has left goes first, or it would be the checkpoint of its step again.
      if (found.folder === ref.location) await rm(asideOf(ref.location), { recursive: true, force: true });
      await removeFolderAtomic(found.folder);
    });
  }

  async verify(ref: CheckpointRef): Promise<VerifyReport> {
    const found = await find(ref);
    if (found === undefined) return { ok: false, problems: ["manifest.json: expected a valid manifest, got none"] };
    const { folder, manifest } = found;
    if (manifest.formatVersion > FORMAT_VERSION) {
      const got = manifest.formatVersion;
      return { ok: false, problems: [`manifest.json: expected format version ${FORMAT_VERSION} or older, got ${got}`] };
    }
    const problems = await findProblems(folder, manifest);
    return {
      ok: problems.length === 0,
      problems: problems.map(({ file, expected, got }) => `${file}: expected ${expected}, got ${got}`),
    };
  }

  /**
   * Clears what interrupted saves and removals left and puts back what a save had moved aside. Call it as the only writer.
   *
   * @returns the names of the folders that were removed.
   */
  async sweep(): Promise<readonly string[]> {
    return this.#oneByOne(async () => {
      const swept: string[] = [];
      for (const { location } of await this.list()) {
        if ((await readManifest(location)) !== undefined) continue;
        await rm(location, { recursive: true, force: true });
        await rename(asideOf(location), location); // its successor never came
      }
      for (const name of await this.#names()) {
        const location = join(this.#folder, name);
        const left = /^\.(tmp|old)-/.test(name) || (NAME.test(name) && (await readManifest(location)) === undefined);
        if (!left) continue;
        await rm(location, { recursive: true, force: true });
        swept.push(name);
      }
      return swept;
    });
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#folder)).sort();
    } catch (error) {
      if (isErrno(error, "ENOENT")) return [];
      throw error;
    }
  }

  async #oneByOne<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** The complete folder of a checkpoint; while it is replaced, that is the one moved aside. */
async function find({ location }: CheckpointRef) {
  for (const folder of [location, asideOf(location), location]) {
    const manifest = await readManifest(folder); // the third look is for a replacement that ended between the first two
    if (manifest !== undefined) return { folder, manifest };
  }
  return undefined;
}

function checkStep(step: number): void {
  if (Number.isSafeInteger(step) && step >= 0) return;
  throw new PipeError("step-invalid", "A checkpoint needs the number of its step.", {
    expected: "an integer from 0",
    got: String(step),
    where: "metadata.state.step",
  });
}

function missing(location: string): PipeError {
  return new PipeError("checkpoint-missing", "There is no complete checkpoint.", {
    where: location,
    fix: "train the run until its first checkpoint, or name another one",
  });
}

function saveFailed(location: string, cause: unknown): PipeError {
  const full = isErrno(cause, "ENOSPC") || isErrno(cause, "EDQUOT");
  return new PipeError(
    "checkpoint-failed",
    `Checkpoint ${basename(location)} could not be written; those stored before are untouched.`,
    {
      got: messageOf(cause),
      where: dirname(location),
      fix: full ? "free disk space, or keep fewer checkpoints" : "remove the cause, then save again",
      cause,
    },
  );
}
