import type { CompileReport, TensorSpec } from "@pipe/core";
import { formatSpec, PipeError } from "@pipe/core";
import { type Graph, recompute, specOf } from "@pipe/graph";
import { optimise, reportOf } from "@pipe/graph/engine";
import { formatType } from "./hlo/format.ts";
import { type HloValue, HloWriter, names } from "./hlo/hlo-writer.ts";
import { formatMesh, formatSharding } from "./hlo/sharding.ts";
import type { Lowered, Precision, Target } from "./lowering/lowering.ts";
import { isElementwise, isLowered, isNative, lowerings } from "./lowerings.ts";
import { alone, isSplit, type Mesh } from "./mesh.ts";

/** An input or output; `isSplit` says that its first axis is divided among the devices. */
type Port = { readonly path: string; readonly spec: TensorSpec; readonly isSplit: boolean };

/** A program as StableHLO: its inputs are the arguments of `main` in order, its outputs what it returns. */
export type StableHloProgram = {
  readonly text: string;
  readonly inputs: readonly (Port & { readonly donated: boolean })[];
  readonly outputs: readonly Port[];
  readonly warnings: readonly string[];
  readonly report: Pick<CompileReport, "flops" | "argumentBytes" | "plannedPeakBytes" | "ops">;
};

/** What may be done with a program. */
export type LowerOptions = {
  /** Whether the input of this path is consumed by a run; the output of the same path and spec takes its memory. */
  readonly isDonated?: (path: string) => boolean;
  /** Whether the first axis of the input of this path is rows that devices share. */
  readonly isBatch?: (path: string) => boolean;
  /** Devices that compute it together; default one. */
  readonly mesh?: Mesh;
  /** Names of blocks that are computed again in the backward pass. */
  readonly recompute?: readonly string[];
  /** Type of the factors of matrix products; sums are always float32. Default `"fp32"`. */
  readonly precision?: Precision;
  /** What it will run on, as the plug-in calls it: `"cuda"` has fused attention in `bf16` and `fp16`. Default `"cpu"`. */
  readonly platform?: string;
};

/** Writes a graph as a StableHLO module in MLIR's text form. @throws PipeError `unsupported-op` naming op and line. */
export function lower(traced: Graph, options: LowerOptions = {}): StableHloProgram {
  const { isDonated = () => false, isBatch = () => false, recompute: again = [], precision = "fp32" } = options;
  const { mesh = alone, platform = "cpu" } = options;
  const target: Target = { platform, precision };
  const graph = optimise(recompute(traced, again), (...op) => isNative(target, ...op));
  const outputs = Object.entries(graph.outputs).map(([path, value]) => {
    const spec = specOf(graph.nodes, value);
    return { path, spec, isSplit: isSplit(mesh, spec) };
  });
  const inputs = Object.entries(graph.inputs).map(([path, number]) => {
    const spec = graph.nodes[number]!.outputs[0]!;
    return { path, spec, donated: isDonated(path), isSplit: isSplit(mesh, spec, isBatch(path)) };
  });
  const keyOf = ({ path, spec, isSplit: split }: Port): string => `${path} ${formatSpec(spec)} ${split}`;
  const places = new Map(outputs.map((output, i) => [keyOf(output), i]));
  const parameters = inputs.map((input, i) => {
    const output = input.donated ? places.get(keyOf(input)) : undefined;
    const alias = output === undefined ? [] : [`tf.aliasing_output = ${output} : i32`];
    return `%arg${i}: ${formatType(input.spec)}${attributesOf(mesh, input, alias)}`;
  });
  const hlo = new HloWriter();
  const results = writeNodes(
    graph,
    hlo,
    { target, mesh },
    (path) => !isBatch(path) && isSplit(mesh, specAt(graph, path)),
  );
  const types = results.map(formatType).join(", ");
  const returned = outputs.map((output) => `${formatType(output.spec)}${attributesOf(mesh, output)}`);
  const body = [...hlo.lines, results.length === 0 ? "return" : `return ${names(results)} : ${types}`];
  const several = mesh.data > 1;
  return {
    text: [
      several
        ? `module @program attributes {mhlo.num_replicas = 1 : i32, mhlo.num_partitions = ${mesh.data} : i32} {`
        : "module @program {",
      ...(several ? [`  ${formatMesh(mesh.data)}`] : []),
      `  func.func public @main(${parameters.join(", ")}) -> (${returned.join(", ")}) {`,
      ...body.map((line) => `    ${line}`),
      "  }",
      "}",
      "",
    ].join("\n"),
    inputs,
    outputs,
    warnings: warningsOf(mesh, inputs, isBatch),
    report: reportOf(traced, graph, [...inputs, ...outputs], (...op) => isLowered(target, ...op)),
  };
}

/** What stands behind the type of an argument or result. */
function attributesOf(mesh: Mesh, { spec, isSplit: split }: Port, others: readonly string[] = []): string {
  const sharding = mesh.data === 1 ? [] : [`sdy.sharding = #sdy.sharding${formatSharding(spec.shape.length, split)}`];
  const all = [...sharding, ...others];
  return all.length === 0 ? "" : ` {${all.join(", ")}}`;
}

function specAt(graph: Graph, path: string): TensorSpec {
  return graph.nodes[graph.inputs[path]!]!.outputs[0]!;
}

/** Batches that every device computes whole, because their rows do not divide. */
function warningsOf({ data }: Mesh, inputs: readonly Port[], isBatch: (path: string) => boolean): readonly string[] {
  if (data === 1) return [];
  return inputs
    .filter(({ path, spec, isSplit: split }) => isBatch(path) && spec.shape.length > 0 && !split)
    .map(
      ({ path, spec }) =>
        `${path} has ${spec.shape[0]} rows, which ${data} devices cannot share equally: each computes all of them`,
    );
}

/**
 * Writes all nodes and returns the values of the graph's outputs. Inputs that are state in parts are gathered where they are
 * used in a product or a lookup, and stay parts where the optimizer changes them element by element.
 */
function writeNodes(
  graph: Graph,
  hlo: HloWriter,
  where: Pick<Lowered, "target" | "mesh">,
  isStatePart: (path: string) => boolean,
): readonly HloValue[] {
  const argument = new Map(Object.values(graph.inputs).map((number, i) => [number, `%arg${i}`]));
  const values: (readonly HloValue[])[] = [];
  const notes: Lowered["notes"] = new Map();
  graph.nodes.forEach((node, number) => {
    const [spec] = node.outputs;
    if (node.op === "Input") return values.push([{ ...spec!, name: argument.get(number)! }]);
    if (node.op === "Constant") return values.push([hlo.constant(node.data!, spec!)]);
    const lowering = Object.hasOwn(lowerings, node.op) ? lowerings[node.op] : undefined;
    if (lowering === undefined) {
      throw new PipeError("unsupported-op", `XLA has no lowering for the op ${node.op}.`, {
        got: node.op,
        ...(node.source === undefined ? {} : { where: node.source }),
      });
    }
    const inputs = node.inputs.map(({ node: from, output }) => {
      const value = values[from]![output]!;
      const source = graph.nodes[from]!;
      if (source.op !== "Input" || !isStatePart(source.attributes["path"] as string)) return value;
      const isUpdate = isElementwise(node.op) && spec!.shape.join() === value.shape.join();
      return isUpdate ? value : hlo.gathered(value);
    });
    const made = lowering({ hlo, node, attributes: node.attributes, inputs, notes, ...where });
    values.push("name" in made ? [made] : made);
  });
  return Object.values(graph.outputs).map(({ node, output }) => values[node]![output]!);
}
