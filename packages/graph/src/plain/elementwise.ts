import type { DType, TensorSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { floats, noAttributes, numbers, type PlainOp } from "./op.ts";

/** The shape that two shapes broadcast to. @throws PipeError `shape-mismatch`. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new PipeError("shape-mismatch", "Two shapes do not broadcast.", {
        expected: "equal sizes, or 1, from the last dimension on",
        got: `[${a.join(", ")}] and [${b.join(", ")}]`,
      });
    }
    return x === 1 ? y : x;
  });
}

const unary = (takes: readonly DType[], dtype?: DType): PlainOp => ({
  inputs: ["x"],
  takes,
  attributes: noAttributes,
  infer: ([x]) => ({ shape: x!.shape, dtype: dtype ?? x!.dtype }),
});

const binary = (takes?: readonly DType[], dtype?: DType): PlainOp => ({
  inputs: ["a", "b"],
  ...(takes === undefined ? {} : { takes }),
  attributes: noAttributes,
  infer: ([a, b]) => ({ shape: broadcastShapes(a!.shape, b!.shape), dtype: dtype ?? a!.dtype }),
});

/** A bound as the type has it: int32 has no infinities and no fractions. */
const bound = (value: number, dtype: DType): number =>
  dtype === "int32" ? Math.trunc(Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1)) : value;

const each = (names: readonly string[], op: PlainOp): [string, PlainOp][] => names.map((name) => [name, op]);

/** Ops that work element by element. */
export const elementwiseOps: readonly (readonly [string, PlainOp])[] = [
  ...each(["Abs", "Neg", "Relu", "Sign", "Square"], unary(numbers)),
  ...each(["Cos", "Erf", "Floor", "Log", "Reciprocal", "Rsqrt", "Sigmoid", "Sin", "Sqrt", "Tanh"], unary(floats)),
  ["Exp", { ...unary(floats), casts: true }],
  ["IsFinite", { ...unary(floats, "bool"), casts: true }],
  ["LogicalNot", unary(["bool"])],
  ...each(["Add", "Maximum", "Minimum", "Multiply", "Pow", "RealDiv", "SquaredDifference", "Sub"], binary(numbers)),
  ["FloorDiv", binary(numbers, "int32")],
  ...each(["Greater", "GreaterEqual", "Less", "LessEqual"], binary(numbers, "bool")),
  ...each(["LogicalAnd", "LogicalOr"], binary(["bool"])),
  ...each(["Equal", "NotEqual"], binary(undefined, "bool")),
  [
    "Step",
    {
      inputs: ["x"],
      takes: floats,
      attributes: ({ alpha }) => ({ alpha: (alpha as number | undefined) ?? 0 }),
      infer: ([x]) => x!,
    },
  ],
  [
    "ClipByValue",
    {
      inputs: ["x"],
      takes: numbers,
      attributes: (raw, [x]) => ({
        clipValueMin: bound(raw["clipValueMin"] as number, x!.dtype),
        clipValueMax: bound(raw["clipValueMax"] as number, x!.dtype),
      }),
      infer: ([x]) => x!,
    },
  ],
  [
    "Cast",
    {
      inputs: ["x"],
      attributes: ({ dtype }) => ({ dtype: dtype as string }),
      infer: ([x], { dtype }): TensorSpec => ({ shape: x!.shape, dtype: dtype as DType }),
    },
  ],
  [
    "Select",
    {
      inputs: ["condition", "t", "e"],
      attributes: noAttributes,
      infer: ([condition, t]): TensorSpec => {
        if (condition!.shape.length !== t!.shape.length) {
          throw new PipeError("shape-mismatch", "where() needs a condition of the same rank as its branches.", {
            got: `[${condition!.shape.join(", ")}] and [${t!.shape.join(", ")}]`,
          });
        }
        return t!;
      },
    },
  ],
];
