import { formatSpec } from "@pipe/core";
import type { Graph } from "../graph.ts";
import { specOf } from "../graph.ts";
import { keep, rewrite } from "./rewrite.ts";

/** Removes products with 1, as the gradient of a sum leaves them, and concatenations of one value. */
export function simplify(graph: Graph): Graph {
  return rewrite(graph, (node, builder) => {
    if (node.op === "Concat" && node.inputs.length === 1) return [node.inputs[0]!];
    if (node.op !== "Multiply") return keep(node, builder);
    const one = node.inputs.findIndex(({ node: from }) => {
      const { op, attributes } = builder.nodes[from]!;
      return op === "Fill" && attributes["value"] === 1;
    });
    const other = node.inputs[1 - one];
    if (one < 0 || formatSpec(specOf(builder.nodes, other!)) !== formatSpec(node.outputs[0]!))
      return keep(node, builder);
    return [other!];
  });
}
