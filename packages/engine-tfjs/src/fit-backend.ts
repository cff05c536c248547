import type { DType, TensorSpec } from "@pipe/core";
import { PipeError, sizeOf } from "@pipe/core";
import type { Attributes, Graph, GraphBuilder, Node, Value } from "@pipe/graph";
import { keep, rewrite, specOf } from "@pipe/graph";

/** Adds a node of the composition. */
type Add = (op: string, inputs: readonly Value[], attributes: Attributes, output: TensorSpec) => Value;
type Composition = (node: Node, add: Add, specs: readonly TensorSpec[]) => Value;

/** What a missing or wrong kernel is composed of. */
const compositions: { readonly [op: string]: Composition } = {
  Cast: differsFromZero,
  ClipByValue: clip,
  UnsortedSegmentSum: sumSegments,
  Softmax: softmax,
  FloorDiv: divideTwice,
};

/** Whether an op is one of a backend's own kernels for such inputs and attributes. */
type IsNative = (op: string, inputs: readonly TensorSpec[], attributes: Attributes) => boolean;
type IsWrong = (input: TensorSpec, attributes: Attributes) => boolean;

const isInteger: IsWrong = ({ dtype }) => dtype === "int32";
/** Kernels that a backend has but that compute something else there; found by the engine contract, tfjs 4.22. */
const wrong: { readonly [backend: string]: { readonly [op: string]: IsWrong } } = {
  wasm: {
    // It keeps the lowest byte.
    Cast: (_, { dtype }) => dtype === "bool",
    // It takes integers for floats.
    ClipByValue: isInteger,
    // Through float32, which rounds above 2²⁴.
    FloorDiv: isInteger,
    // It leaves its output as it was.
    Softmax: () => true,
  },
};

/** Tells which ops a backend computes by kernels of its own. */
export function nativeOn(backend: string, hasKernel: (op: string) => boolean): IsNative {
  return (op, [input], attributes) => hasKernel(op) && wrong[backend]?.[op]?.(input!, attributes) !== true;
}

/**
 * Rewrites a graph so that it uses only kernels that the backend has.
 * @throws PipeError `unsupported-op` naming the op, the backend and the line.
 */
export function fitBackend(graph: Graph, backend: string, isNative: IsNative): Graph {
  return rewrite(graph, (node, builder) => {
    const { op, source } = node;
    const specs = specsIn(node, builder);
    if (op === "Input" || op === "Constant" || isNative(op, specs, node.attributes)) return keep(node, builder);
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
    return [compose(node, add, specs)];
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
  const values = add("Reshape", [inputs[0]!], { shape: [rows, width] }, { shape: [rows, width], dtype: spec.dtype });
  const floats = add("Cast", [values], { dtype: "float32" }, float(rows, width));
  const sums = add("BatchMatMul", [matrix, floats], { transposeA: true, transposeB: false }, float(depth, width));
  const shaped = add("Reshape", [sums], { shape: spec.shape }, float(...spec.shape));
  return add("Cast", [shaped], { dtype: spec.dtype }, spec);
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
function divideTwice({ inputs, outputs }: Node, add: Add): Value {
  const [spec] = outputs as [TensorSpec];
  const [a, b] = inputs as [Value, Value];
  const first = add("FloorDiv", [a, b], {}, spec);
  const rest = add("Sub", [a, add("Multiply", [first, b], {}, spec)], {}, spec);
  return add("Add", [first, add("FloorDiv", [rest, b], {}, spec)], {}, spec);
}

/** The least of the largest. */
function clip({ inputs, attributes, outputs }: Node, add: Add): Value {
  const [spec] = outputs as [TensorSpec];
  const scalar: TensorSpec = { shape: [], dtype: spec.dtype };
  const bound = (name: string): Value => add("Fill", [], { ...scalar, value: attributes[name]! }, scalar);
  const raised = add("Maximum", [inputs[0]!, bound("clipValueMin")], {}, spec);
  return add("Minimum", [raised, bound("clipValueMax")], {}, spec);
}

/** A flag of a number. */
function differsFromZero({ inputs, outputs }: Node, add: Add, [number]: readonly TensorSpec[]): Value {
  const scalar: TensorSpec = { shape: [], dtype: number!.dtype };
  return add("NotEqual", [inputs[0]!, add("Fill", [], { ...scalar, value: 0 }, scalar)], {}, outputs[0]!);
}
