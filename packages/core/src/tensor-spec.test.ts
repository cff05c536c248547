import { expect, it } from "vitest";
import {
  arrayFromBytes,
  byteSizeOf,
  bytesOf,
  dtypeOf,
  formatSpec,
  hostArray,
  hostTensor,
  partSpecs,
  sizeOf,
} from "./tensor-spec.ts";
import type { DType, TensorSpec } from "./interfaces/tensors.ts";

it("counts elements and bytes", () => {
  expect(sizeOf([])).toBe(1);
  expect(sizeOf([2, 3])).toBe(6);
  expect(byteSizeOf({ shape: [2, 3], dtype: "float32" })).toBe(24);
  expect(byteSizeOf({ shape: [2, 3], dtype: "bool" })).toBe(6);
  expect(formatSpec({ shape: [2, 3], dtype: "int32" })).toBe("int32 [2, 3]");
});

it("splits the rows of a batch, the last part being padded", () => {
  const weights: TensorSpec = { shape: [5], dtype: "float32" };
  expect(partSpecs({ ids: { shape: [5, 3], dtype: "int32" }, weights }, 2)).toEqual({
    ids: { shape: [3, 3], dtype: "int32" },
    weights: { shape: [3], dtype: "float32" },
  });
});

it.each<DType>(["float32", "int32", "bool"])("brings %s through bytes, even unaligned ones", (dtype) => {
  const spec: TensorSpec = { shape: [3], dtype };
  const array = hostArray(spec);
  array.set([1, 0, 1]);
  expect(dtypeOf(array)).toBe(dtype);
  const shifted = new Uint8Array(bytesOf(array).byteLength + 1);
  shifted.set(bytesOf(array), 1);
  expect(arrayFromBytes(shifted.subarray(1), spec, "x")).toEqual(array);
});

it("refuses what does not fit", () => {
  expect(() => hostTensor([2], new Float32Array(3))).toThrow(
    /expected: float32 \[2\] \(2 elements\)\n {2}got: float32, 3/,
  );
  expect(() => arrayFromBytes(new Uint8Array(5), { shape: [1], dtype: "float32" }, "file")).toThrow(
    /4 bytes.*\n.*5 bytes/,
  );
});
