import type { VectorSpace } from "./indexer.ts";

/** A vector under a key, which is a positive integer. */
export type VectorRow = { readonly key: number; readonly vector: Float32Array };

/** A key with its similarity to a query: the inner product, for vectors of length 1 the cosine. */
export type ScoredKey = { readonly key: number; readonly score: number };

/** Changes to the vectors of a space. */
export type VectorChange = {
  readonly rows: readonly VectorRow[];
  readonly removed: readonly number[];
  /** Number of the last change, once all up to it have been given; absent in the parts before the last. */
  readonly sequence?: number;
  /**
   * Builds anew beside what is there, which answers searches until `sequence` completes the new one and it takes its
   * place; the first part begins from nothing.
   */
  readonly rebuild?: "first" | "further";
};

/** How far a store has come with a space. */
export type VectorPosition = {
  /** Number of the last change that searches see; 0 where it knows nothing. */
  readonly sequence: number;
  readonly rows: number;
  /** Whether so much was removed that it should be built anew. */
  readonly worn: boolean;
};

/**
 * Finds near vectors. It holds a copy: the truth lies elsewhere, with a number for every change, and the store says up to
 * which one it has come, so that what it lost (or never heard of) is given again.
 */
export interface IVectorStore extends AsyncDisposable {
  /** Fewest rows of a space that it keeps for the next opening; fewer are given to it anew when something is searched. Default 0. */
  readonly keepsFrom?: number;
  /** How far it has come with a space; stores that keep nothing begin at 0 when they are opened. */
  position(space: VectorSpace): Promise<VectorPosition>;
  /** Takes changes; those that it has taken before change nothing. A vector of zeros is never found. */
  apply(space: VectorSpace, change: VectorChange): Promise<void>;
  /** The keys nearest to a query, best first; exact or nearly so. */
  search(space: VectorSpace, query: Float32Array, limit: number): Promise<readonly ScoredKey[]>;
  /** Keeps what was applied for the next opening, where the store keeps anything. */
  flush(): Promise<void>;
  /** Forgets a space. */
  drop(space: VectorSpace): Promise<void>;
}
