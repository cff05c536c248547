import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  bytesOf,
  type CheckpointMetadata,
  type CheckpointRef,
  type ICheckpointer,
  type ISnapshot,
  type Json,
  messageOf,
  type ParameterSpec,
  PipeError,
  type SnapshotTensor,
  type VerifyReport,
} from "@pipe/core";
import { createFolderAtomic, removeFolderAtomic } from "./atomic.ts";
import { canonicalJson } from "./canonical-json.ts";
import { externalOf, fromExternal, toExternal } from "./external-layout.ts";
import { type FileDigest, writeHashed } from "./hashed-file.ts";
import { checkVersion, encodeManifest, type Manifest, readManifest, verifyFiles } from "./manifest.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-reader.ts";
import { writeSafetensors } from "./safetensors-writer.ts";

const NAME = /^step-(\d{8,})$/;

/** Where checkpoints lie. */
export type ModelCheckpointerOptions = {
  /** Made when the first checkpoint is saved. */
  readonly folder: string;
};

/**
 * Writes and reads checkpoint folders that are complete or absent: a folder appears by a rename, with the hashes of its
 * files in a manifest, and nothing in it depends on clock, host or path.
 */
export class ModelCheckpointer implements ICheckpointer {
  readonly #folder: string;

  constructor({ folder }: ModelCheckpointerOptions) {
    this.#folder = folder;
  }

  async save(state: ISnapshot, metadata: CheckpointMetadata): Promise<CheckpointRef> {
    const { step } = metadata.state;
    const location = this.#locationOf(step);
    try {
      await createFolderAtomic(location, (folder) => fill(folder, state, metadata));
    } catch (cause) {
      throw new PipeError(
        "checkpoint-failed",
        "A checkpoint could not be written; those stored before are untouched.",
        {
          got: messageOf(cause),
          where: location,
          fix: "make room or choose another folder with --runs-dir, then resume from the last checkpoint",
          cause,
        },
      );
    }
    return { step, location };
  }

  async load(ref?: CheckpointRef): ReturnType<ICheckpointer["load"]> {
    const { location } = ref ?? (await this.#newest());
    const manifest = await readManifest(location);
    if (manifest === undefined) throw missing(location);
    checkVersion(manifest, location);
    const { ok, problems } = await verifyFiles(location, manifest);
    if (!ok) {
      throw new PipeError("checkpoint-damaged", "A checkpoint's files are not what was written.", {
        got: problems.join("; "),
        where: location,
        fix: "resume from an older checkpoint of the run, or restore the file from a copy",
      });
    }
    const { parameters, ...state } = JSON.parse(await readFile(join(location, "state.json"), "utf8")) as {
      parameters: readonly ParameterSpec[];
    } & CheckpointMetadata["state"];
    const files = await furtherFiles(location, manifest);
    return {
      metadata: { parameters, files, state: state as CheckpointMetadata["state"] },
      tensors: () => tensorsOf(location, parameters),
    };
  }

  async list(): Promise<readonly CheckpointRef[]> {
    const refs: CheckpointRef[] = [];
    for (const name of await this.#names()) {
      const step = NAME.exec(name)?.[1];
      if (step === undefined) continue;
      const location = join(this.#folder, name);
      if ((await readManifest(location)) !== undefined) refs.push({ step: Number(step), location });
    }
    return refs.sort((a, b) => a.step - b.step);
  }

  async remove({ location }: CheckpointRef): Promise<void> {
    await removeFolderAtomic(location);
  }

  async verify({ location }: CheckpointRef): Promise<VerifyReport> {
    const manifest = await readManifest(location);
    if (manifest === undefined)
      return { ok: false, problems: ["manifest.json: expected a manifest, got none that can be read"] };
    return verifyFiles(location, manifest);
  }

  /** Clears away what an interrupted save left, and puts back what it had moved aside. Not while another process saves. */
  async sweep(): Promise<void> {
    for (const name of await this.#names()) {
      const path = join(this.#folder, name);
      if (name.startsWith(".old-") && !(await this.#names()).includes(name.slice(5)))
        await rename(path, join(this.#folder, name.slice(5)));
      else if (name.startsWith(".tmp-") || name.startsWith(".old-")) await rm(path, { recursive: true });
      else if (NAME.test(name) && (await readManifest(path)) === undefined) await rm(path, { recursive: true });
    }
  }

  #locationOf(step: number): string {
    return join(this.#folder, `step-${String(step).padStart(8, "0")}`);
  }

  async #names(): Promise<readonly string[]> {
    await mkdir(this.#folder, { recursive: true });
    const names = await readdir(this.#folder);
    return names.toSorted();
  }

  async #newest(): Promise<CheckpointRef> {
    const newest = (await this.list()).at(-1);
    if (newest === undefined) throw missing(this.#folder);
    return newest;
  }
}

function missing(where: string): PipeError {
  return new PipeError("checkpoint-missing", "There is no complete checkpoint.", {
    where,
    fix: "train the run until its first checkpoint, or name another one",
  });
}

async function fill(
  folder: string,
  state: ISnapshot,
  { parameters, files, state: parts }: CheckpointMetadata,
): Promise<void> {
  const byPath = new Map(parameters.map((parameter) => [`params/${parameter.name}`, parameter]));
  const specs = [...state.specs];
  const modelSpecs = specs.flatMap(([path]) => (byPath.has(path) ? [externalOf(byPath.get(path)!)] : []));
  const optimizerSpecs = specs.flatMap(([path, spec]) => (byPath.has(path) ? [] : [{ name: path, spec }]));
  const digests: { [name: string]: FileDigest } = {};
  // One pass over the snapshot: params/… come before scalars/… and slots/….
  const tensors = state.tensors()[Symbol.asyncIterator]();
  const take = async function* (count: number): AsyncGenerator<{ name: string; bytes: Uint8Array }> {
    for (let i = 0; i < count; i++) {
      const { path, bytes } = (await tensors.next()).value as SnapshotTensor;
      const parameter = byPath.get(path);
      yield parameter === undefined
        ? { name: path, bytes }
        : { name: externalOf(parameter).name, bytes: toExternal(parameter, bytes) };
    }
  };
  digests["model.safetensors"] = await writeSafetensors(
    join(folder, "model.safetensors"),
    modelSpecs,
    take(modelSpecs.length),
    {
      metadata: { format: "pt" },
    },
  );
  digests["optimizer.safetensors"] = await writeSafetensors(
    join(folder, "optimizer.safetensors"),
    optimizerSpecs,
    take(optimizerSpecs.length),
  );
  const stateText = canonicalJson({ ...parts, parameters: parameters as unknown as Json }, "state.json");
  for (const [name, content] of Object.entries({ ...files, "state.json": stateText })) {
    digests[name] = await writeHashed(join(folder, name), [
      typeof content === "string" ? Buffer.from(content) : content,
    ]);
  }
  await writeHashed(join(folder, "manifest.json"), [Buffer.from(encodeManifest(digests))]);
}

/** Files that are neither tensors nor state. */
async function furtherFiles(location: string, { files }: Manifest): Promise<{ [name: string]: string }> {
  const own = ["model.safetensors", "optimizer.safetensors", "state.json"];
  const names = Object.keys(files).filter((name) => !own.includes(name));
  const texts = names.map(async (name): Promise<[string, string]> => [
    name,
    await readFile(join(location, name), "utf8"),
  ]);
  return Object.fromEntries(await Promise.all(texts));
}

async function* tensorsOf(location: string, parameters: readonly ParameterSpec[]): AsyncGenerator<SnapshotTensor> {
  const reading = async function* (name: string, body: (file: SafetensorsFile) => AsyncGenerator<SnapshotTensor>) {
    const file = await openSafetensors(join(location, name));
    try {
      yield* body(file);
    } finally {
      await file[Symbol.asyncDispose]();
    }
  };
  yield* reading("model.safetensors", async function* (file) {
    for (const parameter of parameters) {
      const { spec, data } = fromExternal(parameter, await file.read(externalOf(parameter).name));
      yield { path: `params/${parameter.name}`, spec, bytes: bytesOf(data) };
    }
  });
  yield* reading("optimizer.safetensors", async function* (file) {
    for (const path of file.tensors.keys()) {
      const { spec, data } = await file.read(path);
      yield { path, spec, bytes: bytesOf(data) };
    }
  });
}
