import type { CompileReport } from "@pipe/core";
import { checkShapes, decompose, type Graph, recompute, specOf, type Value } from "@pipe/graph";
import { optimise, reportOf } from "@pipe/graph/engine";
import * as tf from "@pipe/graph/tf";
import { fitBackend, nativeOn } from "./fit-backend.ts";

/**
 * What a program runs as on a backend, and what is known of it before it runs.
 * @throws PipeError `recompute-unknown`, `unsupported-op`.
 */
export function plan(
  traced: Graph,
  backend: string,
  again: readonly string[],
): { graph: Graph; report: Omit<CompileReport, "compileMs" | "fromCache"> } {
  const isNative = nativeOn(backend, (op) => tf.getKernel(op, backend) !== undefined);
  // No composite is native: their parts are freed one by one. Barriers, which passes keep, go last.
  const plain = decompose(optimise(recompute(traced, again)));
  const graph = checkShapes(fitBackend(plain, backend, isNative));
  const inputs = Object.values(graph.inputs).map((node): Value => ({ node, output: 0 }));
  const boundary = [...inputs, ...Object.values(graph.outputs)].map((value) => ({ spec: specOf(graph.nodes, value) }));
  const report = reportOf(traced, graph, boundary, isNative);
  return { graph, report: { ...report, warnings: traced.warnings } };
}
