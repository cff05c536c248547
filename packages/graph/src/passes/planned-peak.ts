import { byteSizeOf } from "@pipe/core";
import type { Graph } from "../graph.ts";

/**
 * Bytes that a graph's values take at most at one time when its nodes run in their order, inputs among them, and each
 * value is forgotten after its last use.
 */
export function plannedPeak(graph: Graph): number {
  // A reshape is another view of the same bytes, which stay as long as it is used.
  const home: number[] = [];
  for (const { op, inputs } of graph.nodes) home.push(op === "Reshape" ? home[inputs[0]!.node]! : home.length);
  const last = new Map<number, number>();
  graph.nodes.forEach(({ inputs }, number) => inputs.forEach(({ node }) => last.set(home[node]!, number)));
  const stays = new Set(
    [...Object.values(graph.inputs), ...Object.values(graph.outputs).map(({ node }) => node)].map(
      (node) => home[node]!,
    ),
  );
  const endsAt = new Map<number, number[]>();
  for (const [node, number] of last) if (!stays.has(node)) endsAt.set(number, [...(endsAt.get(number) ?? []), node]);
  const bytesOf = (number: number): number =>
    home[number] === number ? graph.nodes[number]!.outputs.reduce((sum, spec) => sum + byteSizeOf(spec), 0) : 0;
  let [now, peak] = [0, 0];
  graph.nodes.forEach((_, number) => {
    now += bytesOf(number);
    peak = Math.max(peak, now);
    for (const done of endsAt.get(number) ?? []) now -= bytesOf(done);
  });
  return peak;
}
