import type { Graph } from "../graph.ts";
import { keep, rewrite } from "./rewrite.ts";

/** Removes nodes that no output depends on; inputs stay. */
export function removeDeadNodes(graph: Graph): Graph {
  const live = new Set<number>();
  const pending = Object.values(graph.outputs).map(({ node }) => node);
  for (let number = pending.pop(); number !== undefined; number = pending.pop()) {
    if (live.has(number)) continue;
    live.add(number);
    for (const { node } of graph.nodes[number]!.inputs) pending.push(node);
  }
  return rewrite(graph, (node, builder, number) =>
    node.op === "Input" || live.has(number) ? keep(node, builder) : [],
  );
}
