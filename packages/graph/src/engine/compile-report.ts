import type { CompileReport, TensorSpec } from "@pipe/core";
import { byteSizeOf, sizeOf } from "@pipe/core";
import { type Graph, type Node, specOf } from "../graph.ts";
import { plannedPeak } from "../passes/planned-peak.ts";

/**
 * What is known of a program before it runs: `traced` as its author wrote it, `graph` as it is computed, `boundary` its
 * inputs and outputs, `isLowered` whether the engine has an op natively.
 */
export function reportOf(
  traced: Graph,
  graph: Graph,
  boundary: readonly { readonly spec: TensorSpec }[],
  isLowered: (op: string) => boolean,
): Pick<CompileReport, "flops" | "argumentBytes" | "plannedPeakBytes" | "ops"> {
  return {
    flops: graph.nodes.reduce((sum, node) => sum + flopsOf(graph, node), 0),
    argumentBytes: boundary.reduce((sum, { spec }) => sum + byteSizeOf(spec), 0),
    plannedPeakBytes: plannedPeak(graph),
    ops: countOps(traced, isLowered),
  };
}

/** A multiply-add counts as two operations. */
function flopsOf(graph: Graph, node: Node): number {
  if (node.op !== "BatchMatMul") return 0;
  const { shape } = specOf(graph.nodes, node.inputs[0]!);
  const inner = node.attributes["transposeA"] === true ? shape.at(-2)! : shape.at(-1)!;
  return 2 * sizeOf(node.outputs[0]!.shape) * inner;
}

function countOps(graph: Graph, isLowered: (op: string) => boolean): CompileReport["ops"] {
  const counts: { [op: string]: { count: number; lowering: "native" | "composite" } } = {};
  for (const { op } of graph.nodes) {
    if (op === "Input" || op === "Constant") continue;
    const entry = (counts[op] ??= { count: 0, lowering: isLowered(op) ? "native" : "composite" });
    entry.count++;
  }
  return counts;
}
