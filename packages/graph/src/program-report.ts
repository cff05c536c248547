import type { CompileReport } from "@pipe/core";
import { byteSizeOf, sizeOf } from "@pipe/core";
import type { Graph, Node, Value } from "./graph.ts";
import { specOf } from "./graph.ts";
import { plannedPeak } from "./passes/planned-peak.ts";

/**
 * What an engine can say of a program before it runs: `traced` as its author wrote it, `graph` as it is computed.
 * `isNative` tells the ops that the engine computes as they are; the others are composed of those.
 */
export function programReport(
  traced: Graph,
  graph: Graph,
  isNative: (op: string) => boolean,
): Omit<CompileReport, "compileMs" | "fromCache"> {
  const inputs = Object.values(graph.inputs).map((node): Value => ({ node, output: 0 }));
  const boundary = [...inputs, ...Object.values(graph.outputs)];
  return {
    flops: graph.nodes.reduce((sum, node) => sum + flopsOf(graph, node), 0),
    argumentBytes: boundary.reduce((sum, value) => sum + byteSizeOf(specOf(graph.nodes, value)), 0),
    plannedPeakBytes: plannedPeak(graph),
    ops: countOps(traced, isNative),
    warnings: traced.warnings,
  };
}

/** A multiply-add counts as two operations. */
function flopsOf(graph: Graph, node: Node): number {
  if (node.op !== "BatchMatMul") return 0;
  const { shape } = specOf(graph.nodes, node.inputs[0]!);
  const inner = node.attributes["transposeA"] === true ? shape.at(-2)! : shape.at(-1)!;
  return 2 * sizeOf(node.outputs[0]!.shape) * inner;
}

function countOps(graph: Graph, isNative: (op: string) => boolean): CompileReport["ops"] {
  const counts: { [op: string]: { count: number; lowering: "native" | "composite" } } = {};
  for (const { op } of graph.nodes) {
    if (op === "Input" || op === "Constant") continue;
    const entry = (counts[op] ??= { count: 0, lowering: isNative(op) ? "native" : "composite" });
    entry.count++;
  }
  return counts;
}
