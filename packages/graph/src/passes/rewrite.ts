import type { Graph, Node, Value } from "../graph.ts";
import { GraphBuilder } from "../graph.ts";

/**
 * Copies a graph node by node. `visit` gets each node with its inputs already renumbered and the builder to add to, and
 * returns the values that stand for its outputs from now on.
 */
export function rewrite(
  graph: Graph,
  visit: (node: Node, builder: GraphBuilder, number: number) => readonly Value[],
): Graph {
  const builder = new GraphBuilder();
  const renamed: (readonly Value[])[] = [];
  const rename = ({ node, output }: Value): Value => renamed[node]![output]!;
  graph.nodes.forEach((node, number) => {
    renamed.push(visit({ ...node, inputs: node.inputs.map(rename) }, builder, number));
  });
  return {
    nodes: builder.nodes,
    inputs: Object.fromEntries(
      Object.entries(graph.inputs).map(([path, node]) => [path, rename({ node, output: 0 }).node]),
    ),
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([path, value]) => [path, rename(value)])),
    blocks: [],
    warnings: graph.warnings,
  };
}

/** Adds a node and returns all of its outputs: the visit that changes nothing. */
export function keep(node: Node, builder: GraphBuilder): readonly Value[] {
  const number = builder.add(node);
  return node.outputs.map((_, output) => ({ node: number, output }));
}
