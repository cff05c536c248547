import type { DType, TensorSpec } from "@pipe/core";
import { sizeOf } from "@pipe/core";
import { noAttributes, type PlainOp } from "./op.ts";

type Numbers = readonly number[];

/** A shape in which one size may be -1. */
function inferShape(shape: Numbers, size: number): number[] {
  const known = shape.reduce((product, d) => (d < 0 ? product : product * d), 1);
  return shape.map((d) => (d < 0 ? size / known : d));
}

/** Ops that move elements without computing. */
export const shapeOps: readonly (readonly [string, PlainOp])[] = [
  [
    "Reshape",
    {
      inputs: ["x"],
      attributes: ({ shape }, [x]) => ({ shape: inferShape(shape as Numbers, sizeOf(x!.shape)) }),
      infer: ([x], { shape }) => ({ shape: shape as Numbers, dtype: x!.dtype }),
    },
  ],
  [
    "Transpose",
    {
      inputs: ["x"],
      attributes: ({ perm }) => ({ perm: [...(perm as Numbers)] }),
      infer: ([x], { perm }) => ({ shape: (perm as Numbers).map((axis) => x!.shape[axis]!), dtype: x!.dtype }),
    },
  ],
  [
    "Slice",
    {
      inputs: ["x"],
      attributes: ({ begin, size }, [x]) => ({
        begin: [...(begin as Numbers)],
        size: (size as Numbers).map((s, i) => (s < 0 ? x!.shape[i]! - (begin as Numbers)[i]! : s)),
      }),
      infer: ([x], { size }) => ({ shape: size as Numbers, dtype: x!.dtype }),
    },
  ],
  [
    "PadV2",
    {
      inputs: ["x"],
      attributes: ({ paddings, constantValue }) => ({
        // tfjs has pairs; a graph holds flat numbers: before, after, before, after …
        paddings: (paddings as readonly Numbers[]).flat(),
        constantValue: constantValue as number,
      }),
      infer: ([x], { paddings }) => ({
        shape: x!.shape.map((d, i) => d + (paddings as Numbers)[2 * i]! + (paddings as Numbers)[2 * i + 1]!),
        dtype: x!.dtype,
      }),
    },
  ],
  [
    "Concat",
    {
      inputs: "list",
      attributes: ({ axis }, [first]) => ({
        axis: (axis as number) < 0 ? (axis as number) + first!.shape.length : (axis as number),
      }),
      infer: (inputs, { axis }) => ({
        shape: inputs[0]!.shape.map((d, i) => (i === axis ? inputs.reduce((sum, x) => sum + x.shape[i]!, 0) : d)),
        dtype: inputs[0]!.dtype,
      }),
    },
  ],
  [
    "Tile",
    {
      inputs: ["x"],
      attributes: ({ reps }) => ({ reps: [...(reps as Numbers)] }),
      infer: ([x], { reps }) => ({ shape: x!.shape.map((d, i) => d * (reps as Numbers)[i]!), dtype: x!.dtype }),
    },
  ],
  [
    "Fill",
    {
      inputs: [],
      attributes: ({ shape, value, dtype }) => ({
        shape: [...(shape as Numbers)],
        value: Number(value),
        dtype: (dtype as string | undefined) ?? "float32",
      }),
      infer: (_, { shape, dtype }): TensorSpec => ({ shape: shape as Numbers, dtype: dtype as DType }),
    },
  ],
  ["Identity", { inputs: ["x"], attributes: noAttributes, infer: ([x]) => x! }],
];
