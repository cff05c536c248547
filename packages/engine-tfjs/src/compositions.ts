import { sizeOf, type HostArray, type TensorSpec } from "@pipe/core";
import type { Attributes, Node, Value } from "@pipe/graph";

/** Adds a node of the composition; `data` are elements of a `Constant`. */
export type Add = (
  op: string,
  inputs: readonly Value[],
  attributes: Attributes,
  output: TensorSpec,
  data?: HostArray,
) => Value;
/** Adds the nodes that compute what one node does, and returns the value that stands for it. */
export type Composition = (node: Node, add: Add, specs: readonly TensorSpec[]) => Value;

/** What a missing or wrong kernel is composed of. */
export const compositions: { readonly [op: string]: Composition } = {
  Cast: differsFromZero,
  ClipByValue: clip,
  OneHot: oneHot,
  Select: selectFlags,
  UnsortedSegmentSum: sumSegments,
  Softmax: softmax,
  FloorDiv: divideTwice,
};

const float = (...shape: readonly number[]): TensorSpec => ({ shape, dtype: "float32" });

/** Which of `depth` places each index is; of none where it is less or more. */
function placesOf(indices: Value, { shape }: TensorSpec, depth: number, add: Add): Value {
  const column = add("Reshape", [indices], { shape: [...shape, 1] }, { shape: [...shape, 1], dtype: "int32" });
  const numbers = Int32Array.from({ length: depth }, (_, i) => i);
  const places = add("Constant", [], {}, { shape: [depth], dtype: "int32" }, numbers);
  return add("Equal", [column, places], {}, { shape: [...shape, depth], dtype: "bool" });
}

/** One of two numbers for each place. */
function oneHot({ inputs, attributes, outputs }: Node, add: Add, [indices]: readonly TensorSpec[]): Value {
  const [flags] = outputs as [TensorSpec];
  const spec: TensorSpec = flags.dtype === "bool" ? { ...flags, dtype: "int32" } : flags;
  const isHot = placesOf(inputs[0]!, indices!, attributes["depth"] as number, add);
  const [on, off] = ["onValue", "offValue"].map((name) => add("Fill", [], { ...spec, value: attributes[name]! }, spec));
  return add("Cast", [add("Select", [isHot, on!, off!], {}, spec)], { dtype: flags.dtype }, flags);
}

/** Sums rows by segment, the gradient of a lookup, as a product with the transposed one-hot matrix. */
function sumSegments({ inputs, attributes, outputs }: Node, add: Add, [, ids]: readonly TensorSpec[]): Value {
  const [spec] = outputs as [TensorSpec];
  const { dtype } = spec;
  const rows = sizeOf(ids!.shape);
  const depth = attributes["numSegments"] as number;
  const width = sizeOf(spec.shape.slice(1));
  const flat: TensorSpec = { shape: [rows], dtype: "int32" };
  const chosen = placesOf(add("Reshape", [inputs[1]!], { shape: [rows] }, flat), flat, depth, add);
  const matrix = add("Cast", [chosen], { dtype: "float32" }, float(rows, depth));
  const values = add("Reshape", [inputs[0]!], { shape: [rows, width] }, { shape: [rows, width], dtype });
  const floats = add("Cast", [values], { dtype: "float32" }, float(rows, width));
  const sums = add("BatchMatMul", [matrix, floats], { transposeA: true, transposeB: false }, float(depth, width));
  const shaped = add("Reshape", [sums], { shape: spec.shape }, float(...spec.shape));
  return add("Cast", [shaped], { dtype }, spec);
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

/** A choice between flags, made of numbers. */
function selectFlags({ inputs, outputs }: Node, add: Add, specs: readonly TensorSpec[]): Value {
  const integer = (i: number): TensorSpec => ({ shape: specs[i]!.shape, dtype: "int32" });
  const [a, b] = [1, 2].map((i) => add("Cast", [inputs[i]!], { dtype: "int32" }, integer(i)));
  const [spec] = outputs as [TensorSpec];
  const chosen = add("Select", [inputs[0]!, a!, b!], {}, { shape: spec.shape, dtype: "int32" });
  return add("Cast", [chosen], { dtype: "bool" }, spec);
}
