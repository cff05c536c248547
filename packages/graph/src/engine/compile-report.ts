import type { CompileReport, TensorSpec } from "@pipe/core";
import { byteSizeOf, sizeOf } from "@pipe/core";
import { type Graph, type Node, specOf } from "../graph.ts";
import type { IsNative } from "../passes/decompose.ts";
import { plannedPeak } from "../passes/planned-peak.ts";

/**
 * What is known of a program before it runs: `traced` as its author wrote it, `graph` as it is computed, `boundary` its
 * inputs and outputs, `isLowered` whether the engine has an op natively.
 */
export function reportOf(
  traced: Graph,
  graph: Graph,
  boundary: readonly { readonly spec: TensorSpec }[],
  isLowered: IsNative,
): Pick<CompileReport, "flops" | "argumentBytes" | "plannedPeakBytes" | "ops"> {
  return {
    flops: graph.nodes.reduce((sum, node) => sum + flopsOf(graph, node), 0),
    argumentBytes: boundary.reduce((sum, { spec }) => sum + byteSizeOf(spec), 0),
    plannedPeakBytes: plannedPeak(graph),
    ops: countOps(traced, isLowered),
  };
}

/** Products of [T, D] with [D, T], or of [T, T] with [T, D], in composites that an engine computes as one. */
const products: { readonly [op: string]: number } = { causalAttention: 2, causalAttentionGradient: 4 };

/** A multiply-add counts as two operations. */
function flopsOf(graph: Graph, node: Node): number {
  const { shape } = node.inputs.length === 0 ? { shape: [] } : specOf(graph.nodes, node.inputs[0]!);
  const count = products[node.op];
  if (count !== undefined) return 2 * count * sizeOf(shape) * specOf(graph.nodes, node.inputs[1]!).shape.at(-2)!;
  if (node.op !== "BatchMatMul") return 0;
  const inner = node.attributes["transposeA"] === true ? shape.at(-2)! : shape.at(-1)!;
  return 2 * sizeOf(node.outputs[0]!.shape) * inner;
}

function countOps(graph: Graph, isLowered: IsNative): CompileReport["ops"] {
  const counts: { [op: string]: { count: number; lowering: "native" | "composite" } } = {};
  for (const { op, inputs, attributes } of graph.nodes) {
    if (op === "Input" || op === "Constant") continue;
    const specs = inputs.map((value) => specOf(graph.nodes, value));
    const entry = (counts[op] ??= { count: 0, lowering: isLowered(op, specs, attributes) ? "native" : "composite" });
    entry.count++;
  }
  return counts;
}
