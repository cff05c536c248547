import type { CompileReport, TensorSpec } from "@pipe/core";
import { byteSizeOf, PipeError, sizeOf } from "@pipe/core";
import type { Graph, Node, Value } from "@pipe/graph";
import {
  checkShapes,
  decompose,
  mergeCommonSubexpressions,
  mergeCovered,
  plannedPeak,
  recompute,
  removeDeadNodes,
  simplify,
  specOf,
} from "@pipe/graph";
import { fuseScatterAdd } from "./fuse-scatter-add.ts";
import { compositeLowerings } from "./lowering/composite.ts";
import { elementwiseLowerings } from "./lowering/elementwise.ts";
import { linearLowerings } from "./lowering/linear.ts";
import { lowered, type Lowering } from "./lowering/lowering.ts";
import { reductionLowerings } from "./lowering/reduction.ts";
import { shapeLowerings } from "./lowering/shape.ts";
import { OnnxModel } from "./onnx-model.ts";
import type { Fetch, OutputSource, ProgramInput, ProgramPlan, Source } from "./protocol.ts";
import { findUpdates } from "./update/find-updates.ts";
import { findWrites } from "./update/find-writes.ts";
import { lowerUpdates, neededBy } from "./update/lower-updates.ts";

const lowerings: { readonly [op: string]: Lowering } = {
  ...elementwiseLowerings,
  ...reductionLowerings,
  ...shapeLowerings,
  ...linearLowerings,
  ...compositeLowerings,
};

/** A program for the session host: an ONNX model, and what is done with its results. */
export type LoweredProgram = Omit<ProgramPlan, "inputs" | "outputs"> & {
  readonly inputs: readonly (ProgramInput & { readonly path: string })[];
  readonly outputs: readonly { readonly path: string; readonly spec: TensorSpec; readonly from: OutputSource }[];
  readonly report: Pick<CompileReport, "flops" | "argumentBytes" | "plannedPeakBytes" | "ops">;
};

/** What may be done with a program's inputs. */
export type LowerOptions = {
  /** Whether the input of this path is consumed by a run; then its memory is used for the output of the same path. */
  readonly isDonated?: (path: string) => boolean;
  /** Names of blocks that are computed again in the backward pass. */
  readonly recompute?: readonly string[];
};

/** Turns a graph into an ONNX model of opset 18 and updates in place. @throws PipeError `unsupported-op` naming op and line. */
export function lower(
  traced: Graph,
  { isDonated = () => false, recompute: again = [] }: LowerOptions = {},
): LoweredProgram {
  const isNative = ({ op }: Node): boolean => op in compositeLowerings || op === "updateSlice";
  const plain = decompose(mergeCovered(removeDeadNodes(recompute(traced, again))), isNative);
  const graph = fuseScatterAdd(checkShapes(removeDeadNodes(mergeCommonSubexpressions(simplify(plain)))));
  const updates = findUpdates(graph, isDonated);
  const writes = findWrites(graph, isDonated);
  const kept = new Map(
    Object.entries(graph.inputs).flatMap(([path, node]): [string, number][] =>
      isDonated(path) && graph.outputs[path]?.node === node ? [[path, node]] : [],
    ),
  );
  for (const { path, input } of writes) kept.set(path, input);
  const replaced = new Set(updates.flatMap(({ results }) => results.map(({ path }) => path)));
  const session = sessionOf(
    graph,
    [...neededBy(updates), ...writes.flatMap(({ rows, positions }) => [rows, positions])],
    (path) => replaced.has(path) || kept.has(path),
  );
  const places = new Map(Object.keys(graph.inputs).map((path, i) => [path, i]));
  const sourceOf = ({ node, output }: Value): Source => {
    const fetch = session.fetchOf.get(`${node}.${output}`);
    return fetch === undefined
      ? { input: places.get(graph.nodes[node]!.attributes["path"] as string)! }
      : { fetch: fetch };
  };
  const plan = lowerUpdates(graph, updates, sourceOf);
  const updateOf = new Map(
    updates.flatMap(({ results }, update) => results.map(({ path }, result) => [path, { update, result }] as const)),
  );
  const inputs = Object.entries(graph.inputs).map(([path, number]) => {
    const name = session.inputNames.get(path);
    return { path, spec: graph.nodes[number]!.outputs[0]!, ...(name === undefined ? {} : { name }) };
  });
  const outputs = Object.entries(graph.outputs).map(([path, value]) => {
    const from = updateOf.get(path) ?? (kept.has(path) ? { input: places.get(path)! } : sourceOf(value));
    return { path, spec: specOf(graph.nodes, value), from };
  });
  return {
    model: session.model,
    inputs,
    fetches: session.fetches,
    outputs,
    ...plan,
    writes: writes.map(({ input, rows, positions }) => ({
      input: places.get(graph.nodes[input]!.attributes["path"] as string)!,
      rows: sourceOf(rows),
      positions: sourceOf(positions),
      shape: graph.nodes[input]!.outputs[0]!.shape,
    })),
    report: {
      flops: graph.nodes.reduce((sum, node) => sum + flopsOf(graph, node), 0),
      argumentBytes: [...inputs, ...outputs].reduce((sum, { spec }) => sum + byteSizeOf(spec), 0),
      plannedPeakBytes: plannedPeak(graph),
      ops: countOps(traced),
    },
  };
}

/** The part of a program that ONNX Runtime computes: all outputs but those that are updated or kept in place. */
function sessionOf(
  graph: Graph,
  needed: readonly Value[],
  isInPlace: (path: string) => boolean,
): {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputNames: ReadonlyMap<string, string>;
  readonly fetches: readonly Fetch[];
  readonly fetchOf: ReadonlyMap<string, number>;
} {
  const outputs = Object.entries(graph.outputs).filter(([path]) => !isInPlace(path));
  const computed = needed.filter(({ node }) => graph.nodes[node]!.op !== "Input");
  const values = [...computed, ...outputs.map(([, value]) => value)];
  const distinct = [...new Map(values.map((value) => [`${value.node}.${value.output}`, value]))];
  const part = removeDeadNodes({
    ...graph,
    outputs: Object.fromEntries(distinct.map(([, value], i) => [`${i}`, value])),
  });
  const used = new Set([
    ...part.nodes.flatMap(({ inputs }) => inputs.map(({ node }) => node)),
    ...Object.values(part.outputs).map(({ node }) => node),
  ]);
  const model = new OnnxModel();
  const inputNames = new Map<string, string>();
  const names: (readonly string[])[] = [];
  for (const [path, number] of Object.entries(part.inputs)) {
    if (!used.has(number)) continue;
    const name = `i${inputNames.size}`;
    model.input(name, part.nodes[number]!.outputs[0]!);
    inputNames.set(path, name);
    names[number] = [name];
  }
  part.nodes.forEach((node, number) => {
    if (node.op === "Input") return;
    names[number] =
      node.op === "Constant"
        ? [model.tensor(node.data!, node.outputs[0]!)]
        : [lowerNode(part, names, number, model)].flat();
  });
  const fetches = Object.values(part.outputs).map((value) => {
    const spec = specOf(part.nodes, value);
    return { name: model.output(names[value.node]![value.output]!, spec), spec };
  });
  order(part, names, model);
  // ONNX Runtime refuses a model without nodes.
  const bytes = fetches.length === 0 ? new Uint8Array() : model.encode();
  return { model: bytes, inputNames, fetches, fetchOf: new Map(distinct.map(([key], i) => [key, i])) };
}

/**
 * Makes ONNX Runtime compute results in the order of the program. It walks back from the last node that nothing uses, to
 * the latest input of each node first, so it would put off gradients of parameters and hold all that they need: a last
 * node that needs every result, the first of them latest, makes it take them in turn. The sizes are not used.
 */
function order(graph: Graph, names: readonly (readonly string[])[], model: OnnxModel): void {
  const numbers = [...new Set(Object.values(graph.outputs).map(({ node }) => node))].sort((a, b) => b - a);
  if (numbers.length < 2) return;
  const sizes = numbers.map((number) => model.node("Size", [names[number]![0]!]));
  model.output(model.node("Max", sizes), { shape: [], dtype: "int64" });
}

/** Adds the ONNX nodes of one node and returns the names of its outputs. @throws PipeError `unsupported-op`. */
export function lowerNode(
  graph: Graph,
  names: readonly (readonly string[])[],
  number: number,
  model: OnnxModel,
): string | readonly string[] {
  const node = graph.nodes[number]!;
  const lowering = lowerings[node.op];
  if (lowering === undefined) {
    throw new PipeError("unsupported-op", `ONNX Runtime has no lowering for the op ${node.op}.`, {
      ...(node.source === undefined ? {} : { where: node.source }),
    });
  }
  return lowering(lowered(graph, names, number, model));
}

/** A multiply-add counts as two operations. */
function flopsOf(graph: Graph, node: Node): number {
  if (node.op !== "BatchMatMul") return 0;
  const { shape } = specOf(graph.nodes, node.inputs[0]!);
  const inner = node.attributes["transposeA"] === true ? shape.at(-2)! : shape.at(-1)!;
  return 2 * sizeOf(node.outputs[0]!.shape) * inner;
}

function countOps(graph: Graph): CompileReport["ops"] {
  const counts: { [op: string]: { count: number; lowering: "native" | "composite" } } = {};
  for (const { op } of graph.nodes) {
    if (op === "Input" || op === "Constant") continue;
    const entry = (counts[op] ??= { count: 0, lowering: op in lowerings ? "native" : "composite" });
    entry.count++;
  }
  return counts;
}
