import type { IVectorStore, VectorSpace } from "@pipe/core";
import type { IndexManager } from "../index-manager.ts";
import { type ChangePlace, lastKey, type StoredChanges } from "../store/vector-table.ts";

/** The last change of an index, and the last that was forgotten. */
type Known = { readonly sequence: number; readonly forgotten: number };

/** Vectors that are handed over at a time. */
const portion = 512;

/**
 * Brings a vector store to the state of the index: gives it the changes that it does not know. Where it knows none, or
 * the changes since are no longer known, or it is worn, it is built anew beside what it has.
 */
export class InStep {
  readonly #index: IndexManager;
  readonly #store: IVectorStore;
  readonly #working = new Map<string, Promise<void>>();

  constructor(index: IndexManager, store: IVectorStore) {
    this.#index = index;
    this.#store = store;
  }

  /**
   * Resolves when the store knows all changes up to a sequence number.
   * @param renew whether to build a worn one anew; searches leave that to the writer.
   */
  async reach(space: VectorSpace, state: Known, renew = false): Promise<void> {
    const key = JSON.stringify(space);
    // One after the other: two would give the same changes twice.
    for (let busy = this.#working.get(key); busy !== undefined; busy = this.#working.get(key)) {
      await busy.catch(() => undefined);
    }
    const work = this.#catchUp(space, state, renew);
    this.#working.set(key, work);
    try {
      await work;
    } finally {
      this.#working.delete(key);
    }
  }

  async #catchUp(space: VectorSpace, known: Known, renew: boolean): Promise<void> {
    const { sequence: reached, rows, worn } = await this.#store.position(space);
    if (reached === known.sequence && !(renew && worn)) return;
    // Another search may have brought it further than this one asks for.
    const { sequence, forgotten } = reached < known.sequence ? known : await this.#index.read("spaceState", space);
    if (reached === sequence && !(renew && worn)) return;
    const isLost = reached > sequence || reached < forgotten;
    const anew = rows > 0 && (isLost || (renew && worn));
    const since = anew || isLost ? sequence : reached;
    let from: ChangePlace | undefined = { sequence: anew || isLost ? 0 : reached, key: lastKey };
    for (let part: "first" | "further" = "first"; from !== undefined; part = "further") {
      const changes: StoredChanges = await this.#index.read("changes", space, from, since, portion);
      const { next } = changes;
      await this.#store.apply(space, {
        rows: changes.rows,
        removed: changes.removed,
        ...(anew ? { rebuild: part } : {}),
        ...(next === undefined ? { sequence: changes.sequence } : {}),
      });
      from = next;
    }
  }
}
