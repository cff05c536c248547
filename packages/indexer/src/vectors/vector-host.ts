import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { ScoredKey, VectorChange, VectorPosition, VectorSpace } from "@pipe/core";
import { checkLimit, checkVector } from "./check-vector.ts";
import { FlatSpace } from "./flat-space.ts";
import { loadGraph, saveGraph } from "./graph-file.ts";
import { GraphSpace } from "./graph-space.ts";

/** What a worker of vectors serves. */
export type VectorApi = ReturnType<typeof createVectorHost>;

/** How {@link createVectorHost} works. */
export type VectorHostOptions = {
  /** Where graphs are kept; nothing is kept without it. */
  readonly folder?: string;
  /** Up to so many rows every vector is looked at; above, a graph is built. */
  readonly exactBelow: number;
  /** Share of removed places from which a graph counts as worn. */
  readonly wornShare: number;
};

/** Rows that are added to a graph before others get their turn: about a tenth of a second. */
const turn = 256;

/** A space; while it is built anew, the shadow is what becomes of it. */
type Place = { readonly space: VectorSpace; held: Held; shadow?: Held };
type Held = { vectors: FlatSpace | GraphSpace; sequence: number; generation: number; stored: boolean };

/** Holds the vectors of spaces, flat while they are few and as a graph above that. */
export function createVectorHost() {
  let options: VectorHostOptions | undefined;
  const spaces = new Map<string, Promise<Place>>();

  const nameOf = (space: VectorSpace): string =>
    createHash("sha256")
      .update(JSON.stringify(orderly(space)))
      .digest("hex")
      .slice(0, 16);
  const folderOf = (space: VectorSpace): string | undefined =>
    options!.folder === undefined ? undefined : join(options!.folder, nameOf(space));
  const empty = ({ dimensions }: VectorSpace, generation: number): Held => {
    return { vectors: new FlatSpace(dimensions), sequence: 0, generation, stored: false };
  };
  const load = async (space: VectorSpace): Promise<Place> => {
    const folder = folderOf(space);
    const kept = folder === undefined ? undefined : await loadGraph(folder, orderly(space));
    // A graph that few are left of is kept in step by nobody: they are looked at one by one.
    const held =
      kept === undefined || kept.graph.rows <= options!.exactBelow
        ? empty(space, 1)
        : { ...kept, vectors: kept.graph, stored: true };
    return { space: orderly(space), held };
  };
  const spaceOf = (space: VectorSpace): Promise<Place> => {
    const name = nameOf(space);
    const place = spaces.get(name) ?? load(space);
    spaces.set(name, place);
    // Where usearch is missing, it may be there the next time.
    place.catch(() => spaces.delete(name));
    return place;
  };
  const put = async (held: Held, rows: VectorChange["rows"]): Promise<void> => {
    if (held.vectors instanceof FlatSpace) {
      held.vectors.put(rows);
      if (held.vectors.rows <= options!.exactBelow) return;
      const flat = held.vectors;
      const graph = GraphSpace.create(flat.dimensions);
      // Searches are answered from the flat one until the graph has all.
      for (let at = 0; at < flat.rows; at += turn) {
        graph.put(flat.slice(at, turn));
        await setImmediate();
      }
      held.vectors = graph;
      return;
    }
    for (let at = 0; at < rows.length; at += turn) {
      held.vectors.put(rows.slice(at, at + turn));
      await setImmediate();
    }
  };

  return {
    open(given: VectorHostOptions): void {
      options = given;
    },

    async position(space: VectorSpace): Promise<VectorPosition> {
      const { vectors, sequence } = (await spaceOf(space)).held;
      const worn =
        vectors instanceof GraphSpace && vectors.gone > options!.wornShare * Math.max(1, vectors.rows + vectors.gone);
      return { sequence, rows: vectors.rows, worn };
    },

    async apply(space: VectorSpace, { rows, removed, sequence, rebuild }: VectorChange): Promise<void> {
      for (const { key, vector } of rows) checkVector(space, key, vector);
      const place = await spaceOf(space);
      if (rebuild === "first") place.shadow = empty(space, place.held.generation + 1);
      const held = rebuild === undefined ? place.held : place.shadow!;
      held.stored = false;
      held.vectors.remove(removed);
      await put(
        held,
        rows.filter(({ vector }) => vector.some((value) => value !== 0)),
      );
      if (sequence === undefined) return;
      held.sequence = sequence;
      if (rebuild === undefined) return;
      place.held = held;
      delete place.shadow;
    },

    async search(space: VectorSpace, query: Float32Array, limit: number): Promise<ScoredKey[]> {
      checkVector(space, 1, query);
      checkLimit(limit);
      return (await spaceOf(space)).held.vectors.search(query, limit);
    },

    async flush(): Promise<void> {
      for (const { space, held } of await Promise.all(spaces.values())) {
        const folder = folderOf(space);
        if (folder === undefined || held.stored || !(held.vectors instanceof GraphSpace)) continue;
        held.generation++;
        saveGraph(folder, space, { graph: held.vectors, sequence: held.sequence, generation: held.generation });
        held.stored = true;
      }
    },

    drop(space: VectorSpace): void {
      spaces.delete(nameOf(space));
      const folder = folderOf(space);
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Its fields in one order, so that equal spaces are written alike. */
function orderly({ id, step, dimensions }: VectorSpace): VectorSpace {
  return { id, ...(step === undefined ? {} : { step }), dimensions };
}
