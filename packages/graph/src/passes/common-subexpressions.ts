import type { HostArray } from "@pipe/core";
import type { Graph, Node, Value } from "../graph.ts";
import { formatAttributes } from "../graph.ts";
import { keep, rewrite } from "./rewrite.ts";

/** Merges nodes that compute the same: every op is pure, so equal op, inputs and attributes mean equal results. */
export function mergeCommonSubexpressions(graph: Graph): Graph {
  const seen = new Map<string, readonly Value[]>();
  return rewrite(graph, (node, builder) => {
    if (node.op === "Input") return keep(node, builder);
    const key = keyOf(node);
    const known = seen.get(key);
    if (known !== undefined) return known;
    const values = keep(node, builder);
    seen.set(key, values);
    return values;
  });
}

function keyOf(node: Node): string {
  const inputs = node.inputs.map(({ node: from, output }) => `${from}.${output}`).join();
  const [first] = node.outputs;
  const data = node.data === undefined ? "" : `${first!.dtype}[${first!.shape.join()}]${contentOf(node.data)}`;
  return `${node.op}(${inputs})${formatAttributes(node.attributes)}${data}`;
}

function contentOf(data: HostArray): string {
  return Array.from(data, (x) => (Object.is(x, -0) ? "-0" : String(x))).join();
}
