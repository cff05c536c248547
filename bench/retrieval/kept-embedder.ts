import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { IEmbedder } from "@pipe/core";

/** Keeps the vectors of an embedder in `bench/.envs/vectors`, so that the next run of a bench takes them from there. */
export class KeptEmbedder implements IEmbedder, Disposable {
  readonly space: IEmbedder["space"];
  readonly #embedder: IEmbedder;
  readonly #database: DatabaseSync;

  constructor(embedder: IEmbedder) {
    const { space } = embedder;
    this.space = space;
    this.#embedder = embedder;
    const folder = join(import.meta.dirname, "../.envs/vectors");
    mkdirSync(folder, { recursive: true });
    this.#database = new DatabaseSync(join(folder, `${space.id.replaceAll(/[^\w-]/g, "_")}.sqlite`), {
      // Two benches may run at a time.
      timeout: 60_000,
    });
    this.#database.exec("CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID");
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]> {
    const find = this.#database.prepare("SELECT vector FROM vectors WHERE text = ?");
    const keep = this.#database.prepare("INSERT OR REPLACE INTO vectors VALUES (?, ?)");
    const keys = texts.map((text) => createHash("sha256").update(text).digest());
    const vectors = keys.map((key): Float32Array | undefined => {
      const bytes = find.get(key)?.["vector"] as Uint8Array | undefined;
      return bytes === undefined ? undefined : new Float32Array(bytes.slice().buffer);
    });
    const missing = texts.flatMap((_, at) => (vectors[at] === undefined ? [at] : []));
    for (let begin = 0; begin < missing.length; begin += 64) {
      const some = missing.slice(begin, begin + 64);
      const made = await this.#embedder.embed(
        some.map((at) => texts[at]!),
        signal,
      );
      this.#database.exec("BEGIN");
      for (const [i, at] of some.entries()) {
        vectors[at] = made[i]!;
        keep.run(keys[at]!, new Uint8Array(made[i]!.slice().buffer));
      }
      this.#database.exec("COMMIT");
    }
    return vectors as Float32Array[];
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
