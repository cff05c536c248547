import type { DType, TensorSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { noAttributes, type PlainOp } from "./op.ts";

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

const unary = (dtype?: DType): PlainOp => ({
  inputs: ["x"],
  attributes: noAttributes,
  infer: ([x]) => ({ shape: x!.shape, dtype: dtype ?? x!.dtype }),
});

const binary = (dtype?: DType): PlainOp => ({
  inputs: ["a", "b"],
  attributes: noAttributes,
  infer: ([a, b]) => ({ shape: broadcastShapes(a!.shape, b!.shape), dtype: dtype ?? a!.dtype }),
});

const each = (names: readonly string[], op: PlainOp): [string, PlainOp][] => names.map((name) => [name, op]);

/** Ops that work element by element. */
export const elementwiseOps: readonly (readonly [string, PlainOp])[] = [
  ...each(["Abs", "Erf", "Exp", "Floor", "Log", "Neg", "Reciprocal", "Relu", "Rsqrt", "Sigmoid"], unary()),
  ...each(["Sign", "Sqrt", "Square", "Tanh", "Cos", "Sin"], unary()),
  ...each(["IsFinite", "LogicalNot"], unary("bool")),
  ...each(["Add", "Maximum", "Minimum", "Multiply", "Pow", "RealDiv", "SquaredDifference", "Sub"], binary()),
  ["FloorDiv", binary("int32")],
  ...each(
    ["Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr", "NotEqual"],
    binary("bool"),
  ),
  [
    "Step",
    {
      inputs: ["x"],
      attributes: ({ alpha }) => ({ alpha: (alpha as number | undefined) ?? 0 }),
      infer: ([x]) => x!,
    },
  ],
  [
    "ClipByValue",
    {
      inputs: ["x"],
      attributes: (raw) => ({
        clipValueMin: raw["clipValueMin"] as number,
        clipValueMax: raw["clipValueMax"] as number,
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
