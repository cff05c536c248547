import type { DType, TensorSpec } from "@pipe/core";
import { PipeError, sizeOf } from "@pipe/core";
import type { Attributes, Graph, GraphBuilder, Node, Value } from "@pipe/graph";
import { keep, rewrite, specOf } from "@pipe/graph";

/** Adds a node of the composition. */
type Add = (op: string, inputs: readonly Value[], attributes: Attributes, output: TensorSpec) => Value;
type Composition = (node: Node, add: Add, specs: readonly TensorSpec[]) => Value;

/** What a missing or wrong kernel is composed of. */
const compositions: { readonly [op: string]: Composition } = {
  UnsortedSegmentSum: sumSegments,
  Softmax: softmax,
  FloorDiv: divideTwice,
};

/** Kernels that a backend has but that compute something else there; found by the engine contract, tfjs 4.22. */
const wrong: { readonly [backend: string]: readonly string[] } = {
  // Softmax leaves its output as it was; integer division goes through float32, which rounds above 2²⁴.
  wasm: ["Softmax", "FloorDiv"],
};

/** Whether a backend computes an op by a kernel of its own. */
export function isNative(op: string, backend: string, hasKernel: (op: string) => boolean): boolean {
  return hasKernel(op) && wrong[backend]?.includes(op) !== true;
}

/**
 * Rewrites a graph so that it uses only kernels that the backend has.
 * @throws PipeError `unsupported-op` naming the op, the backend and the line.
 */
export function fitBackend(graph: Graph, backend: string, hasKernel: (op: string) => boolean): Graph {
  return rewrite(graph, (node, builder) => {
    const { op, source } = node;
    if (op === "Input" || op === "Constant" || isNative(op, backend, hasKernel)) return keep(node, builder);
    const compose = compositions[op];
    const place = source === undefined ? {} : { source };
    if (compose === undefined) {
      throw new PipeError("unsupported-op", `The tfjs backend "${backend}" has no kernel for ${op}.`, {
        ...(source === undefined ? {} : { where: source }),
        fix: "write it with other ops, or take another engine or backend",
      });
    }
    const add: Add = (name, inputs, attributes, output) => ({
      node: builder.add({ op: name, inputs, attributes, outputs: [output], ...place }),
      output: 0,
    });
    return [compose(node, add, specsIn(node, builder))];
  });
}

const specsIn = (node: Node, builder: GraphBuilder): readonly TensorSpec[] =>
  node.inputs.map((value) => specOf(builder.nodes, value));

const float = (...shape: readonly number[]): TensorSpec => ({ shape, dtype: "float32" });

/** Sums rows by segment, the gradient of a lookup, as a product with the transposed one-hot matrix. */
function sumSegments({ inputs, attributes, outputs }: Node, add: Add, [, ids]: readonly TensorSpec[]): Value {
  const [spec] = outputs as [TensorSpec];
  const rows = sizeOf(ids!.shape);
  const depth = attributes["numSegments"] as number;
  const width = sizeOf(spec.shape.slice(1));
  const dtype: DType = "int32";
  const flat = add("Reshape", [inputs[1]!], { shape: [rows] }, { shape: [rows], dtype });
  const oneHot = { depth, onValue: 1, offValue: 0, dtype };
  const chosen = add("OneHot", [flat], oneHot, { shape: [rows, depth], dtype });
  const matrix = add("Cast", [chosen], { dtype: "float32" }, float(rows, depth));
  const values = add("Reshape", [inputs[0]!], { shape: [rows, width] }, float(rows, width));
  const sums = add("BatchMatMul", [matrix, values], { transposeA: true, transposeB: false }, float(depth, width));
  return add("Reshape", [sums], { shape: spec.shape }, spec);
}

/** exp(x - max) over its sum. */
function softmax({ inputs, outputs }: Node, add: Add): Value {
  const [spec] = outputs as [TensorSpec];
  const axis = spec.shape.length - 1;
  const row = float(...spec.shape.slice(0, -1), 1);
  const along = { axis: [axis], keepDims: true };
  const most = add("Max", [inputs[0]!], along, row);
  const powers = add("Exp", [add("Sub", [inputs[0]!, most], {}, spec)], {}, spec);
  return add("RealDiv", [powers, add("Sum", [powers], along, row)], {}, spec);
}

/** The quotient that the kernel finds, and that of what it leaves: exact, as the rest is small. */
function divideTwice({ inputs, outputs }: Node, add: Add, [dividend]: readonly TensorSpec[]): Value {
  const [spec] = outputs as [TensorSpec];
  const [a, b] = inputs as [Value, Value];
  const first = add("FloorDiv", [a, b], {}, spec);
  if (dividend!.dtype !== "int32") return first;
  const rest = add("Sub", [a, add("Multiply", [first, b], {}, spec)], {}, spec);
  return add("Add", [first, add("FloorDiv", [rest, b], {}, spec)], {}, spec);
}
