import type { CompileReport } from "@pipe/core";
import type { Graph } from "@pipe/graph";
import {
  checkShapes,
  decompose,
  mergeCommonSubexpressions,
  programReport,
  recompute,
  removeDeadNodes,
  simplify,
} from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { fitBackend, isNative } from "./fit-backend.ts";

/**
 * What a program runs as on a backend, and what is known of it before it runs.
 * @throws PipeError `recompute-unknown`, `unsupported-op`.
 */
export function plan(
  traced: Graph,
  backend: string,
  again: readonly string[],
): { graph: Graph; report: Omit<CompileReport, "compileMs" | "fromCache"> } {
  const hasKernel = (op: string): boolean => tf.getKernel(op, backend) !== undefined;
  const plain = simplify(decompose(removeDeadNodes(recompute(traced, again))));
  const graph = checkShapes(fitBackend(removeDeadNodes(mergeCommonSubexpressions(plain)), backend, hasKernel));
  return { graph, report: programReport(traced, graph, (op) => isNative(op, backend, hasKernel)) };
}
