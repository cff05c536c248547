import type { DType } from "@pipe/core";
import { ELEMENT } from "../../onnx-model.ts";
import { elementwiseLowerings } from "../elementwise.ts";
import type { Lowering } from "../lowering.ts";
import { shapeLowerings } from "../shape.ts";
import { asIntegers } from "./bools.ts";
import { floorDiv } from "./floor-div.ts";
import { argMax, slice } from "./indices.ts";
import { sine } from "./sine.ts";

/** The largest float32. */
const LARGEST = 3.4028234663852886e38;

/** Ops that the WebGPU provider lacks, or computes too coarsely or wrongly, composed of others. */
const everyType: { readonly [op: string]: Lowering } = {
  ArgMax: argMax,
  Cos: sine(1),
  FloorDiv: floorDiv,
  // A compiler of shaders may take x - x for 0 whatever x is.
  IsFinite: ({ model, inputs }) => model.node("LessOrEqual", [model.node("Abs", inputs), model.scalar(LARGEST)]),
  // WGSL leaves open what the logarithm of 0 and of less is.
  Log: ({ model, inputs: [x] }) => {
    const zero = model.scalar(0);
    const others = model.node("Where", [
      model.node("Equal", [x!, zero]),
      model.scalar(Number.NEGATIVE_INFINITY),
      model.scalar(Number.NaN),
    ]);
    return model.node("Where", [model.node("Greater", [x!, zero]), model.node("Log", [x!]), others]);
  },
  LogicalOr: ({ model, inputs }) => {
    const [a, b] = inputs.map((name) => model.node("Not", [name]));
    return model.node("Not", [model.node("And", [a!, b!])]);
  },
  Sign: ({ model, inputs: [x], specs: [spec] }) => {
    const zero = model.scalar(0, spec!.dtype);
    const [over, under] = ["Greater", "Less"].map((op) =>
      model.node("Cast", [model.node(op, [x!, zero])], { to: ELEMENT[spec!.dtype] }),
    );
    return model.node("Sub", [over!, under!]);
  },
  Sin: sine(0),
};

/** Ops whose kernels take floats only: how they are composed for other types. */
const byDtype: { readonly [dtype in Exclude<DType, "float32">]: { readonly [op: string]: Lowering } } = {
  int32: {
    Abs: ({ model, inputs: [x] }) => model.node("Max", [x!, model.node("Sub", [model.scalar(0, "int32"), x!])]),
    Neg: ({ model, inputs: [x] }) => model.node("Sub", [model.scalar(0, "int32"), x!]),
    Relu: ({ model, inputs: [x] }) => model.node("Max", [x!, model.scalar(0, "int32")]),
    Slice: slice,
  },
  bool: {
    Identity: ({ model, inputs: [x] }) => model.node("And", [x!, x!]),
    Slice: asIntegers(slice),
    ...Object.fromEntries(["Concat", "PadV2", "Tile", "Transpose"].map((op) => [op, asIntegers(shapeLowerings[op]!)])),
    ...Object.fromEntries(["Equal", "NotEqual"].map((op) => [op, asIntegers(elementwiseLowerings[op]!)])),
  },
};

/** The lowering that WebGPU needs for an op on inputs of a type, where the general one does not do. */
export function webgpuLowering(op: string, dtype: DType | undefined): Lowering | undefined {
  return everyType[op] ?? (dtype === undefined || dtype === "float32" ? undefined : byDtype[dtype][op]);
}
