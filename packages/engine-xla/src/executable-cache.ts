import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PipeError } from "@pipe/core";
import type { PjrtClient } from "./pjrt/client.ts";
import type { LoadedExecutable } from "./pjrt/loaded-executable.ts";

const DIGEST_BYTES = 32;
/** Programs that are kept; those that were not used for the longest time go first. */
const KEPT = 64;

/**
 * Compiled programs in a folder, by the hash of their text, their options and where they were compiled. A file is its own
 * SHA-256 and the executable behind it; one that does not fit its hash counts as absent.
 */
export class ExecutableCache {
  readonly #folder: string;
  readonly #place: string;

  /** `place` names everything but the program that an executable depends on: plug-in, device, processor, options. */
  constructor(folder: string, place: string) {
    this.#folder = folder;
    this.#place = place;
  }

  /** The executable of a program, if it is there whole. */
  async load(
    client: PjrtClient,
    text: string,
    options: Uint8Array,
    outputs: number,
  ): Promise<LoadedExecutable | undefined> {
    const path = this.#pathOf(text, options);
    const file = await readFile(path).catch(() => undefined);
    if (file === undefined) return undefined;
    const serialised = file.subarray(DIGEST_BYTES);
    if (!sha256(serialised).equals(file.subarray(0, DIGEST_BYTES))) return undefined;
    try {
      const loaded = await client.load(serialised, outputs);
      const now = performance.timeOrigin + performance.now();
      await utimes(path, now / 1000, now / 1000).catch(() => undefined);
      return loaded;
    } catch (error) {
      if (!PipeError.is(error, "engine-failed")) throw error;
      return undefined;
    }
  }

  /** Keeps an executable. A folder that cannot be written is no reason to stop: the next start compiles again. */
  async save(loaded: LoadedExecutable, text: string, options: Uint8Array): Promise<void> {
    try {
      const serialised = loaded.serialise();
      await mkdir(this.#folder, { recursive: true });
      const path = this.#pathOf(text, options);
      const temporary = `${path}.${randomUUID()}`;
      await writeFile(temporary, Buffer.concat([sha256(serialised), serialised]));
      await rename(temporary, path);
      await this.#prune();
    } catch (error) {
      // Plug-ins may be unable to serialise; files may be refused.
      if (!PipeError.is(error, "engine-failed") && !("code" in (error as Error))) throw error;
    }
  }

  async #prune(): Promise<void> {
    const files = await readdir(this.#folder);
    if (files.length <= KEPT) return;
    const used = await Promise.all(
      files.map(async (file) => {
        const path = join(this.#folder, file);
        return { path, time: (await stat(path)).mtimeMs };
      }),
    );
    const old = used.sort((a, b) => b.time - a.time).slice(KEPT);
    await Promise.all(old.map(({ path }) => rm(path, { force: true })));
  }

  #pathOf(text: string, options: Uint8Array): string {
    const hash = createHash("sha256").update(this.#place).update("\0").update(options).update("\0").update(text);
    return join(this.#folder, `${hash.digest("hex")}.xla`);
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
