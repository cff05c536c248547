import { PipeError } from "@pipe/core";
import type { Graph, Value } from "@pipe/graph";
import { removeDeadNodes, specOf } from "@pipe/graph";
import { lowered } from "./lowering/lowering.ts";
import { loweringOf } from "./lowering/lowerings.ts";
import { OnnxModel } from "./onnx-model.ts";
import type { Provider } from "./providers.ts";
import type { Fetch } from "./protocol.ts";
import { NO_TENSOR } from "./run-in-place.ts";

/** What ONNX Runtime computes of a program. */
export type SessionModel = {
  /** Empty where nothing is left to it. */
  readonly model: Uint8Array<ArrayBuffer>;
  /** Names of the inputs that it reads, by path. */
  readonly inputNames: ReadonlyMap<string, string>;
  readonly fetches: readonly Fetch[];
  /** Which of the fetches a value of the graph is. */
  fetchOf(value: Value): number | undefined;
};

/** Writes the part of a graph that these values need as an ONNX model. @throws PipeError `unsupported-op` naming op and line. */
export function sessionModel(graph: Graph, values: readonly Value[], provider: Provider): SessionModel {
  const keyOf = ({ node, output }: Value): string => `${node}.${output}`;
  const distinct = [...new Map(values.map((value) => [keyOf(value), value]))];
  const part = removeDeadNodes({
    ...graph,
    outputs: Object.fromEntries(distinct.map(([, value], i) => [`${i}`, value])),
  });
  const used = new Set([
    ...part.nodes.flatMap(({ inputs }) => inputs.map(({ node }) => node)),
    ...Object.values(part.outputs).map(({ node }) => node),
  ]);
  // WebGPU has ONNX's own ops only.
  const model = new OnnxModel({ plain: provider === "webgpu" });
  const inputNames = new Map<string, string>();
  const names: (readonly string[])[] = [];
  for (const [path, number] of Object.entries(part.inputs)) {
    if (!used.has(number)) continue;
    const name = `i${inputNames.size}`;
    model.input(name, part.nodes[number]!.outputs[0]!);
    inputNames.set(path, name);
    names[number] = [name];
  }
  lowerNodes(part, names, model, provider);
  if (provider !== "webgpu") model.emptySequence(NO_TENSOR);
  const fetches = Object.values(part.outputs).map((value) => {
    const spec = specOf(part.nodes, value);
    return { name: model.output(names[value.node]![value.output]!, spec), spec };
  });
  // WebGPU has no kernel for sizes, and would bring every result to the process for them.
  if (provider !== "webgpu") order(part, names, model);
  // ONNX Runtime refuses a model without nodes.
  const bytes = fetches.length === 0 ? new Uint8Array() : model.encode();
  const numbers = new Map(distinct.map(([key], i) => [key, i]));
  return { model: bytes, inputNames, fetches, fetchOf: (value) => numbers.get(keyOf(value)) };
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

/** Writes all nodes of a graph but its inputs, whose names are known, and adds the names of their outputs. */
export function lowerNodes(
  graph: Graph,
  names: (readonly string[])[],
  model: OnnxModel,
  provider: Provider = "cpu",
): void {
  graph.nodes.forEach((node, number) => {
    if (node.op === "Input") return;
    names[number] =
      node.op === "Constant"
        ? [model.tensor(node.data!, node.outputs[0]!)]
        : [lowerNode(graph, names, number, model, provider)].flat();
  });
}

function lowerNode(
  graph: Graph,
  names: readonly (readonly string[])[],
  number: number,
  model: OnnxModel,
  provider: Provider,
): string | readonly string[] {
  const node = graph.nodes[number]!;
  const found = lowered(graph, names, number, model);
  const lowering = loweringOf(node.op, found.specs[0]?.dtype, provider);
  if (lowering === undefined) {
    throw new PipeError("unsupported-op", `ONNX Runtime has no lowering for the op ${node.op}.`, {
      ...(node.source === undefined ? {} : { where: node.source }),
    });
  }
  return lowering(found);
}
