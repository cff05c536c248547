import type { CompileReport, TensorSpec } from "@pipe/core";
import { formatSpec, PipeError } from "@pipe/core";
import { type Graph, recompute, specOf } from "@pipe/graph";
import { optimise, reportOf } from "@pipe/graph/engine";
import { formatType } from "./hlo/format.ts";
import { type HloValue, HloWriter, names } from "./hlo/hlo-writer.ts";
import type { Precision } from "./lowering/lowering.ts";
import { isLowered, isNative, lowerings } from "./lowerings.ts";

/** A program as StableHLO: its inputs are the arguments of `main` in order, its outputs what it returns. */
export type StableHloProgram = {
  readonly text: string;
  readonly inputs: readonly { readonly path: string; readonly spec: TensorSpec; readonly donated: boolean }[];
  readonly outputs: readonly { readonly path: string; readonly spec: TensorSpec }[];
  readonly report: Pick<CompileReport, "flops" | "argumentBytes" | "plannedPeakBytes" | "ops">;
};

/** What may be done with a program. */
export type LowerOptions = {
  /** Whether the input of this path is consumed by a run; the output of the same path and spec takes its memory. */
  readonly isDonated?: (path: string) => boolean;
  /** Names of blocks that are computed again in the backward pass. */
  readonly recompute?: readonly string[];
  /** Type of the factors of matrix products; sums are always float32. Default `"fp32"`. */
  readonly precision?: Precision;
};

/** Writes a graph as a StableHLO module in MLIR's text form. @throws PipeError `unsupported-op` naming op and line. */
export function lower(traced: Graph, options: LowerOptions = {}): StableHloProgram {
  const { isDonated = () => false, recompute: again = [], precision = "fp32" } = options;
  const graph = optimise(recompute(traced, again), isNative);
  const outputs = Object.entries(graph.outputs).map(([path, value]) => ({ path, spec: specOf(graph.nodes, value) }));
  const inputs = Object.entries(graph.inputs).map(([path, number]) => ({
    path,
    spec: graph.nodes[number]!.outputs[0]!,
    donated: isDonated(path),
  }));
  const places = new Map(outputs.map(({ path, spec }, i) => [`${path} ${formatSpec(spec)}`, i]));
  const parameters = inputs.map(({ path, spec, donated }, i) => {
    const output = donated ? places.get(`${path} ${formatSpec(spec)}`) : undefined;
    return `%arg${i}: ${formatType(spec)}${output === undefined ? "" : ` {tf.aliasing_output = ${output} : i32}`}`;
  });
  const hlo = new HloWriter();
  const results = writeNodes(graph, hlo, precision);
  const types = results.map(formatType).join(", ");
  const body = [...hlo.lines, results.length === 0 ? "return" : `return ${names(results)} : ${types}`];
  return {
    text: [
      "module @program {",
      `  func.func public @main(${parameters.join(", ")}) -> (${types}) {`,
      ...body.map((line) => `    ${line}`),
      "  }",
      "}",
      "",
    ].join("\n"),
    inputs,
    outputs,
    report: reportOf(traced, graph, [...inputs, ...outputs], isLowered),
  };
}

/** Writes all nodes and returns the values of the graph's outputs. */
function writeNodes(graph: Graph, hlo: HloWriter, precision: Precision): readonly HloValue[] {
  const argument = new Map(Object.values(graph.inputs).map((number, i) => [number, `%arg${i}`]));
  // Every op of ours that is lowered has one output.
  const values: HloValue[] = [];
  graph.nodes.forEach((node, number) => {
    const [spec] = node.outputs;
    if (node.op === "Input") return values.push({ ...spec!, name: argument.get(number)! });
    if (node.op === "Constant") return values.push(hlo.constant(node.data!, spec!));
    const lowering = Object.hasOwn(lowerings, node.op) ? lowerings[node.op] : undefined;
    if (lowering === undefined) {
      throw new PipeError("unsupported-op", `XLA has no lowering for the op ${node.op}.`, {
        got: node.op,
        ...(node.source === undefined ? {} : { where: node.source }),
      });
    }
    const inputs = node.inputs.map(({ node: from }) => values[from]!);
    values.push(lowering({ hlo, node, attributes: node.attributes, inputs, precision }));
  });
  return Object.values(graph.outputs).map(({ node }) => values[node]!);
}
