import type { HostTensor } from "@pipe/core";
import { damaged, type StoredTensor } from "./safetensors-header.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-reader.ts";

/** The tensors of one or several safetensors files under one roof; one is read at a time. */
export class StoredWeights implements AsyncDisposable {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly #files: readonly SafetensorsFile[];
  readonly #owners: ReadonlyMap<string, SafetensorsFile>;

  private constructor(files: readonly SafetensorsFile[]) {
    this.#files = files;
    this.tensors = new Map(files.flatMap((file) => [...file.tensors]));
    this.#owners = new Map(files.flatMap((file) => [...file.tensors.keys()].map((name) => [name, file] as const)));
  }

  /** @throws PipeError `safetensors-damaged`, also where two files hold one name. */
  static async open(paths: readonly string[]): Promise<StoredWeights> {
    const files: SafetensorsFile[] = [];
    try {
      const seen = new Set<string>();
      for (const path of paths) {
        const file = await openSafetensors(path);
        files.push(file);
        for (const name of file.tensors.keys()) {
          if (seen.has(name)) throw damaged("each tensor in one file", `${name} in two`, path);
          seen.add(name);
        }
      }
      return new StoredWeights(files);
    } catch (error) {
      await closeAll(files);
      throw error;
    }
  }

  read(name: string): Promise<HostTensor> {
    return this.#owners.get(name)!.read(name);
  }

  readBytes(name: string): Promise<Uint8Array> {
    return this.#owners.get(name)!.readBytes(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#files);
  }
}

async function closeAll(files: readonly SafetensorsFile[]): Promise<void> {
  for (const file of files) await file[Symbol.asyncDispose]();
}
