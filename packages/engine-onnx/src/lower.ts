import type { CompileReport, TensorSpec } from "@pipe/core";
import { byteSizeOf, PipeError, sizeOf } from "@pipe/core";
import type { Graph, Node, Value } from "@pipe/graph";
import { checkShapes, decompose, mergeCommonSubexpressions, removeDeadNodes, specOf } from "@pipe/graph";
import { type Branch, findBranches } from "./branches.ts";
import { compositeLowerings } from "./lowering/composite.ts";
import { elementwiseLowerings } from "./lowering/elementwise.ts";
import { linearLowerings } from "./lowering/linear.ts";
import { lowered, type Lowering } from "./lowering/lowering.ts";
import { reductionLowerings } from "./lowering/reduction.ts";
import { shapeLowerings } from "./lowering/shape.ts";
import { OnnxModel } from "./onnx-model.ts";

const lowerings: { readonly [op: string]: Lowering } = {
  ...elementwiseLowerings,
  ...reductionLowerings,
  ...shapeLowerings,
  ...linearLowerings,
  ...compositeLowerings,
};

/** An ONNX model with the names of its inputs and outputs by path. */
export type LoweredProgram = {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly { readonly path: string; readonly name: string; readonly spec: TensorSpec }[];
  readonly outputs: readonly { readonly path: string; readonly name: string; readonly spec: TensorSpec }[];
  readonly report: Pick<CompileReport, "flops" | "argumentBytes" | "ops">;
};

/** Turns a graph into an ONNX model of opset 18. @throws PipeError `unsupported-op` naming op and line. */
export function lower(traced: Graph): LoweredProgram {
  const isNative = ({ op }: Node): boolean => op in compositeLowerings;
  const graph = checkShapes(removeDeadNodes(mergeCommonSubexpressions(decompose(traced, isNative))));
  const model = new OnnxModel();
  const inputs = Object.entries(graph.inputs).map(([path, number], i) => {
    const spec = graph.nodes[number]!.outputs[0]!;
    model.input(`i${i}`, spec);
    return { path, name: `i${i}`, spec, number };
  });
  const inputNames = new Map(inputs.map(({ number, name }) => [number, name]));
  const names: (readonly string[])[] = [];
  const branches = findBranches(graph);
  const inBranch = new Set(branches.flatMap(({ chooses, members }) => [...chooses, ...members]));
  const branchAt = new Map(branches.map((branch) => [branch.chooses.at(-1)!, branch]));
  graph.nodes.forEach((node, number) => {
    const branch = branchAt.get(number);
    if (branch !== undefined) lowerBranch(graph, names, branch, model);
    else if (inBranch.has(number)) return;
    else if (node.op === "Input") names[number] = [inputNames.get(number)!];
    else if (node.op === "Constant") names[number] = [model.tensor(node.data!, node.outputs[0]!)];
    else names[number] = [lowerNode(graph, names, number, model)].flat();
  });
  const outputs = Object.entries(graph.outputs).map(([path, value]) => {
    const spec = specOf(graph.nodes, value);
    return { path, name: model.output(names[value.node]![value.output]!, spec), spec };
  });
  return {
    model: model.encode(),
    inputs: inputs.map(({ path, name, spec }) => ({ path, name, spec })),
    outputs,
    report: {
      flops: graph.nodes.reduce((sum, node) => sum + flopsOf(graph, node), 0),
      argumentBytes: [...inputs, ...outputs].reduce((sum, { spec }) => sum + byteSizeOf(spec), 0),
      ops: countOps(traced),
    },
  };
}

/** Writes the members of a branch inside an `If`, whose outputs are those of its `choose` nodes. */
function lowerBranch(graph: Graph, names: (readonly string[])[], branch: Branch, model: OnnxModel): void {
  const { condition, chooses, members } = branch;
  const nameOf = ({ node, output }: Value): string => names[node]![output]!;
  const taken = (input: 1 | 2): readonly string[] =>
    chooses.map((choose) => nameOf(graph.nodes[choose]!.inputs[input]!));
  const specs = chooses.map((choose) => graph.nodes[choose]!.outputs[0]!);
  const outputs = model.branch(
    nameOf(condition),
    specs,
    () => {
      for (const number of [...members].sort((a, b) => a - b)) {
        names[number] = [lowerNode(graph, names, number, model)].flat();
      }
      return taken(1);
    },
    () => taken(2),
  );
  chooses.forEach((choose, i) => (names[choose] = [outputs[i]!]));
}

function lowerNode(
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
