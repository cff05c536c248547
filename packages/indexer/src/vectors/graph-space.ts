import { createRequire } from "node:module";
import { PipeError, type ScoredKey, type VectorRow } from "@pipe/core";
import type { Index } from "usearch";

// One thread: with several, usearch leaves nodes that no search reaches.
const threads = 1;

/** A graph of near neighbours (HNSW of usearch) over vectors in half precision; the caller scores again exactly. */
export class GraphSpace {
  readonly #index: Index;
  #keys = new Set<number>();
  /** Vectors that were removed: new ones take their places, but some of these are reached by no search then. */
  gone = 0;

  private constructor(index: Index) {
    this.#index = index;
  }

  /** An empty graph. @throws PipeError `usearch-missing`. */
  static create(dimensions: number): GraphSpace {
    return new GraphSpace(emptyGraph(dimensions));
  }

  /** A stored graph, whose file was checked. @param keys what it holds. */
  static load(path: string, dimensions: number, keys: Iterable<number>, gone: number): GraphSpace {
    const index = emptyGraph(dimensions);
    index.load(path);
    const graph = new GraphSpace(index);
    graph.#keys = new Set(keys);
    graph.gone = gone;
    if (index.dimensions() === dimensions && index.size() === graph.#keys.size) return graph;
    throw new Error(`the graph holds ${index.size()} vectors of ${index.dimensions()}`);
  }

  get rows(): number {
    return this.#keys.size;
  }

  keys(): IterableIterator<number> {
    return this.#keys.values();
  }

  /** Adds or replaces rows; a few hundred at a time, since it does nothing else meanwhile. */
  put(rows: readonly VectorRow[]): void {
    if (rows.length === 0) return;
    const { dimensions } = { dimensions: rows[0]!.vector.length };
    this.remove(rows.map(({ key }) => key));
    const keys = BigUint64Array.from(rows, ({ key }) => BigInt(key));
    const matrix = new Float32Array(rows.length * dimensions);
    for (const [at, { vector }] of rows.entries()) matrix.set(vector, at * dimensions);
    this.#index.add(keys, matrix as never, threads);
    for (const { key } of rows) this.#keys.add(key);
  }

  remove(keys: readonly number[]): void {
    for (const key of keys) {
      if (!this.#keys.delete(key)) continue;
      this.#index.remove(BigInt(key));
      this.gone++;
    }
  }

  search(query: Float32Array, limit: number): ScoredKey[] {
    const count = Math.min(limit, this.rows);
    if (count === 0) return [];
    const { keys, distances } = this.#index.search(query, count, threads);
    return Array.from(keys, (key, at) => ({ key: Number(key), score: 1 - distances[at]! }));
  }

  save(path: string): void {
    this.#index.save(path);
  }
}

function emptyGraph(dimensions: number): Index {
  const { Index, MetricKind, ScalarKind } = usearch();
  return new Index({
    dimensions,
    metric: MetricKind.Cos,
    quantization: ScalarKind.BF16,
    connectivity: 16,
    expansion_add: 128,
    expansion_search: 96,
    multi: false,
  });
}

function usearch(): typeof import("usearch") {
  try {
    return createRequire(import.meta.url)("usearch") as typeof import("usearch");
  } catch (cause) {
    throw new PipeError(
      "usearch-missing",
      "An index of this size is searched by meaning with usearch, which is not installed.",
      {
        fix: "npm i usearch (with --ignore-scripts where nothing may be built; its binary comes along)",
        cause,
      },
    );
  }
}
