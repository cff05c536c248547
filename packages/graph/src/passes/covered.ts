import { compositeOf } from "../composite.ts";
import type { Graph, Node, Value } from "../graph.ts";
import { formatAttributes } from "../graph.ts";
import { keep, rewrite } from "./rewrite.ts";

/**
 * Computes a composite only once where a later one covers it: both get the place of the first. A loss whose gradients are
 * formed with it is then not computed twice.
 */
export function mergeCovered(graph: Graph): Graph {
  const covering = new Map<string, Node>();
  for (const node of graph.nodes) {
    const covers = compositeOf(node.op)?.covers;
    if (covers !== undefined) covering.set(keyOf(covers, node), node);
  }
  // Keys are of the numbers before the rewrite.
  const made = new Map<string, readonly Value[]>();
  return rewrite(graph, (node, builder, number) => {
    const original = graph.nodes[number]!;
    const key = keyOf(compositeOf(node.op)?.covers ?? node.op, original);
    const cover = covering.get(key);
    if (cover === undefined) return keep(node, builder);
    let values = made.get(key);
    if (values === undefined) {
      const source = node.source === undefined ? {} : { source: node.source };
      values = keep({ ...cover, inputs: node.inputs, ...source }, builder);
      made.set(key, values);
    }
    return values.slice(0, node.outputs.length);
  });
}

function keyOf(op: string, { inputs, attributes }: Node): string {
  return JSON.stringify([op, inputs, formatAttributes(attributes)]);
}
