import type { Graph, Value } from "@pipe/graph";
import { keep, rewrite } from "@pipe/graph";

/**
 * Turns `Add(x, UnsortedSegmentSum(rows, ids))` into `scatterAdd(x, ids, rows)`, which adds the rows to x in place
 * instead of making zeros, adding to them, and adding all of that.
 */
export function fuseScatterAdd(graph: Graph): Graph {
  const uses = new Map<number, number>();
  const count = ({ node }: Value): unknown => uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const { inputs } of graph.nodes) inputs.forEach(count);
  Object.values(graph.outputs).forEach(count);
  const isSum = ({ node }: Value): boolean => graph.nodes[node]!.op === "UnsortedSegmentSum" && uses.get(node) === 1;
  const fused = new Set<number>();
  for (const { op, inputs, outputs } of graph.nodes) {
    const sum = op === "Add" ? inputs.find(isSum) : undefined;
    const shapes = inputs.map(({ node, output }) => graph.nodes[node]!.outputs[output]!.shape.join());
    if (sum !== undefined && shapes.every((shape) => shape === outputs[0]!.shape.join())) fused.add(sum.node);
  }
  // A sum that goes into its addition alone leaves its inputs, which the addition takes.
  const left = new Map<number, readonly Value[]>();
  let next = -1;
  return rewrite(graph, (node, builder, number) => {
    if (fused.has(number)) {
      left.set(next, node.inputs);
      return [{ node: next--, output: 0 }];
    }
    const place = node.op === "Add" ? node.inputs.findIndex(({ node: from }) => from < 0) : -1;
    if (place < 0) return keep(node, builder);
    const [rows, ids] = left.get(node.inputs[place]!.node) as [Value, Value];
    return keep({ ...node, op: "scatterAdd", inputs: [node.inputs[1 - place]!, ids, rows] }, builder);
  });
}
