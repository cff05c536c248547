import type { DType, TensorSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { broadcastShapes } from "./elementwise.ts";
import { floats, type PlainOp } from "./op.ts";

/** Matrix products and lookups by index. */
export const linearOps: readonly (readonly [string, PlainOp])[] = [
  [
    "BatchMatMul",
    {
      inputs: ["a", "b"],
      takes: floats,
      attributes: (raw) => ({ transposeA: raw["transposeA"] === true, transposeB: raw["transposeB"] === true }),
      infer: ([a, b], { transposeA, transposeB }): TensorSpec => {
        const [x, y] = [a!.shape, b!.shape];
        const [rows, inner] = transposeA === true ? [x.at(-1)!, x.at(-2)!] : [x.at(-2)!, x.at(-1)!];
        const [innerB, columns] = transposeB === true ? [y.at(-1)!, y.at(-2)!] : [y.at(-2)!, y.at(-1)!];
        if (inner !== innerB) {
          throw new PipeError("shape-mismatch", "The inner sizes of a matrix product differ.", {
            got: `[${x.join(", ")}] and [${y.join(", ")}], transposeA ${String(transposeA)}, transposeB ${String(transposeB)}`,
          });
        }
        return { shape: [...broadcastShapes(x.slice(0, -2), y.slice(0, -2)), rows, columns], dtype: "float32" };
      },
    },
  ],
  [
    "GatherV2",
    {
      inputs: ["x", "indices"],
      attributes: ({ axis, batchDims }, [x]) => {
        if (batchDims !== undefined && batchDims !== 0) {
          throw new PipeError("unsupported-op", "gather() with batchDims cannot be traced.", {
            expected: "batchDims 0",
            got: JSON.stringify(batchDims),
          });
        }
        const given = (axis as number | undefined) ?? 0;
        return { axis: given < 0 ? given + x!.shape.length : given, batchDims: 0 };
      },
      infer: ([x, indices], { axis }) => ({
        shape: [...x!.shape.slice(0, axis as number), ...indices!.shape, ...x!.shape.slice((axis as number) + 1)],
        dtype: x!.dtype,
      }),
    },
  ],
  [
    "UnsortedSegmentSum",
    {
      inputs: ["x", "segmentIds"],
      attributes: ({ numSegments }) => ({ numSegments: numSegments as number }),
      infer: ([x, ids], { numSegments }) => ({
        shape: [numSegments as number, ...x!.shape.slice(ids!.shape.length)],
        dtype: x!.dtype,
      }),
    },
  ],
  [
    "OneHot",
    {
      inputs: ["indices"],
      attributes: ({ depth, onValue, offValue, dtype }) => ({
        depth: depth as number,
        onValue: (onValue as number | undefined) ?? 1,
        offValue: (offValue as number | undefined) ?? 0,
        dtype: (dtype as string | undefined) ?? "float32",
      }),
      infer: ([indices], { depth, dtype }) => ({
        shape: [...indices!.shape, depth as number],
        dtype: dtype as DType,
      }),
    },
  ],
];
