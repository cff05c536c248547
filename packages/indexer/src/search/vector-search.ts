import { type IVectorStore, PipeError, type ScoredKey, type SearchFilter, type VectorSpace } from "@pipe/core";
import type { IndexManager } from "../index-manager.ts";
import type { SpaceState } from "../index-reads.ts";
import { InStep } from "../vectors/keep-in-step.ts";
import { byScore } from "./top-keys.ts";

/** Below so many passages a filter's are all looked at instead of asking the store. */
const fewAllowed = 2_000;

/** What a search by meaning asks for. */
export type VectorQuery = {
  readonly space: VectorSpace;
  readonly vector: Float32Array;
  readonly limit: number;
  readonly filter?: SearchFilter | undefined;
  /** A document that is left out. */
  readonly without?: string | undefined;
};

/** Passages by meaning, and which of them were found by the vector of an older step. */
export type VectorResult = { readonly ranked: ScoredKey[]; readonly older: ReadonlyMap<number, VectorSpace> };

/** Finds passages by meaning: the vector store proposes, the index disposes and scores exactly. */
export class VectorSearch {
  readonly #index: IndexManager;
  readonly #store: IVectorStore;
  readonly #inStep: InStep;
  #isAwake = false;

  constructor(index: IndexManager, store: IVectorStore) {
    this.#index = index;
    this.#store = store;
    this.#inStep = new InStep(index, store);
  }

  /** Lets the store load what it keeps of a space, the first time that it is called: a search needs other things first. */
  wake(space: VectorSpace): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    // Its error is thrown by the search.
    this.#store.position(space).catch(() => undefined);
  }

  /** Brings the store to the state of the index, and keeps it for the next opening. */
  async settle(space: VectorSpace): Promise<void> {
    await this.#inStep.reach(space, await this.#index.read("spaceState", space), true);
    await this.#store.flush();
  }

  /** Forgets spaces in the store. */
  async drop(spaces: readonly VectorSpace[]): Promise<void> {
    for (const space of spaces) await this.#store.drop(space);
  }

  /**
   * Passages of the space; where some have no vector there yet, those of other steps of the same model stand in.
   * @throws PipeError `index-damaged`, and what the store throws.
   */
  async search(query: VectorQuery, state: SpaceState): Promise<VectorResult> {
    const ranked = state.vectors === 0 ? [] : await this.#nearest(query, state);
    const older = new Map<number, VectorSpace>();
    if (state.vectors >= state.chunks) return { ranked, older };
    // A passage has one vector of a model: that of the last step at which it was embedded.
    for (const stand of state.older) {
      for (const each of await this.#nearest({ ...query, space: stand }, state)) {
        older.set(each.key, stand);
        ranked.push(each);
      }
    }
    return { ranked: ranked.sort(byScore).slice(0, query.limit), older };
  }

  async #nearest({ space, vector, limit, filter, without }: VectorQuery, state: SpaceState): Promise<ScoredKey[]> {
    const allowed = filter === undefined ? undefined : await this.#index.read("countAllowed", filter);
    if (allowed !== undefined && allowed <= fewAllowed) {
      const all = await this.#index.read("vectorScores", space, vector, undefined, filter, without);
      return all.slice(0, limit);
    }
    await this.#inStep.reach(space, state);
    // The store knows no filter and may hold what is gone: more are asked for until enough are left.
    for (let fetch = Math.max(40, limit + (limit >> 1)); ; fetch *= 4) {
      const proposed = await this.#store.search(space, vector, fetch);
      const keys = proposed.map(({ key }) => key);
      const scored = await this.#index.read("vectorScores", space, vector, keys, filter, without);
      if (scored.length >= limit) return scored.slice(0, limit);
      if (proposed.length >= fetch) continue;
      if (proposed.length >= state.vectors) return scored;
      // A graph from which much was removed may not reach all that it holds.
      return (await this.#index.read("vectorScores", space, vector, undefined, filter, without)).slice(0, limit);
    }
  }
}

/** Says that nothing was embedded by an embedder. */
export function vectorsMissing(space: VectorSpace, others: readonly VectorSpace[]): PipeError {
  const name = ({ id, step, dimensions }: VectorSpace): string =>
    `${id}${step === undefined ? "" : ` at step ${step}`} (${dimensions})`;
  return new PipeError("vectors-missing", "The index has no vectors of this embedder.", {
    expected: name(space),
    got: others.map(name).join(", ") || "no vectors",
    fix: "call index() with this embedder; without documents it embeds what is there",
  });
}
