import type { Graph, Value } from "@pipe/graph";

/** A donated input that is handed out as an output of the same path with a few rows written. */
export type Write = {
  readonly path: string;
  readonly rows: Value;
  readonly positions: Value;
  /** [B, H, S, D]. */
  readonly shape: readonly number[];
};

/** Finds outputs that are `updateSlice` of the donated input of the same path: caches, which then are never copied. */
export function findWrites(graph: Graph, isDonated: (path: string) => boolean): readonly Write[] {
  return Object.entries(graph.outputs).flatMap(([path, { node: number }]): Write[] => {
    const input = graph.inputs[path];
    const { op, inputs, outputs } = graph.nodes[number]!;
    if (op !== "updateSlice" || input === undefined || inputs[0]!.node !== input || !isDonated(path)) return [];
    // Whatever else needs the new cache needs it made.
    const isUsed = graph.nodes.some((node) => node.inputs.some((value) => value.node === number));
    return isUsed ? [] : [{ path, rows: inputs[1]!, positions: inputs[2]!, shape: outputs[0]!.shape }];
  });
}
