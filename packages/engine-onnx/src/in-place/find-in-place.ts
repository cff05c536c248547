import type { Graph, Value } from "@pipe/graph";
import type { OutputSource } from "../protocol.ts";
import { findUpdates, type Update } from "./find-updates.ts";
import { findWrites, type Write } from "./find-writes.ts";

/** What a program does to donated inputs where they lie, after ONNX Runtime has computed the rest. */
export type InPlace = {
  readonly updates: readonly Update[];
  readonly writes: readonly Write[];
  /** Values of the rest that they read; inputs of the program are not among them. */
  readonly needed: readonly Value[];
  /** Whether an output is made in place. */
  has(path: string): boolean;
  /** Where it is made from, given the place of the input of the same path. */
  sourceOf(path: string, input: number): OutputSource | undefined;
};

/**
 * Finds the outputs that need no memory of their own: state that is updated, caches that are written, and what stays. Only
 * the processor updates and writes (`canWrite`); what stays, stays anywhere.
 */
export function findInPlace(graph: Graph, isDonated: (path: string) => boolean, canWrite: boolean): InPlace {
  const updates = canWrite ? findUpdates(graph, isDonated) : [];
  const writes = canWrite ? findWrites(graph, isDonated) : [];
  const same = Object.keys(graph.inputs).filter(
    (path) => isDonated(path) && graph.outputs[path]?.node === graph.inputs[path],
  );
  const kept = new Set([...same, ...writes.map(({ path }) => path)]);
  const results = new Map(
    updates.flatMap((made, update) => made.results.map(({ path }, result) => [path, { update, result }] as const)),
  );
  const read = [
    ...updates.flatMap(({ arrays, scalars, condition }) => [
      ...arrays,
      ...scalars,
      ...(condition === undefined ? [] : [condition]),
    ]),
    ...writes.flatMap(({ rows, positions }) => [rows, positions]),
  ];
  return {
    updates,
    writes,
    needed: read.filter(({ node }) => graph.nodes[node]!.op !== "Input"),
    has: (path) => results.has(path) || kept.has(path),
    sourceOf: (path, input) => results.get(path) ?? (kept.has(path) ? { input } : undefined),
  };
}
