import type { DType, TensorSpec } from "@pipe/core";
import { floats, numbers, type PlainOp, type RawAttributes } from "./op.ts";

/** Sorted axes, all of them when none are given. */
function resolveAxes(axis: unknown, rank: number): number[] {
  const given = axis === undefined || axis === null ? [] : [axis as number | number[]].flat();
  const axes = given.length === 0 ? Array.from({ length: rank }, (_, i) => i) : given;
  return axes.map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b);
}

const reduction = (takes: readonly DType[], dtype?: DType): PlainOp => ({
  inputs: ["x"],
  takes,
  attributes: (raw: RawAttributes, [x]) => ({
    axis: resolveAxes(raw["axis"] ?? raw["reductionIndices"], x!.shape.length),
    keepDims: raw["keepDims"] === true,
  }),
  infer: ([x], attributes): TensorSpec => {
    const axes = attributes["axis"] as readonly number[];
    const keep = attributes["keepDims"] as boolean;
    return {
      shape: x!.shape.flatMap((size, i) => (axes.includes(i) ? (keep ? [1] : []) : [size])),
      dtype: dtype ?? x!.dtype,
    };
  },
});

/** Ops that reduce or normalise along axes. */
export const reductionOps: readonly (readonly [string, PlainOp])[] = [
  ["Sum", reduction(numbers)],
  ["Max", reduction(numbers)],
  ["Min", reduction(numbers)],
  ["Mean", { ...reduction(floats), casts: true }],
  ["All", reduction(["bool"])],
  ["Any", reduction(["bool"])],
  ["Softmax", { inputs: ["logits"], takes: floats, attributes: () => ({ dim: -1 }), infer: ([logits]) => logits! }],
  [
    "ArgMax",
    {
      inputs: ["x"],
      takes: numbers,
      attributes: (raw, [x]) => ({ axis: resolveAxes(raw["axis"] ?? 0, x!.shape.length)[0]! }),
      infer: ([x], { axis }) => ({ shape: x!.shape.filter((_, i) => i !== axis), dtype: "int32" }),
    },
  ],
];
