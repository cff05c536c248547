import { PipeError } from "./error.ts";
import type { DType, HostArray, HostTensor, TensorSpec } from "./interfaces/tensors.ts";

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}

/** Bytes that a tensor of this spec takes in host memory. */
export function byteSizeOf(spec: TensorSpec): number {
  return sizeOf(spec.shape) * (spec.dtype === "bool" ? 1 : 4);
}

/** `float32 [2, 3]`, for messages. */
export function formatSpec(spec: TensorSpec): string {
  return `${spec.dtype} [${spec.shape.join(", ")}]`;
}

/** The specs of tensors by name. */
export function specsOf(tensors: { readonly [name: string]: { readonly spec: TensorSpec } }): {
  readonly [name: string]: TensorSpec;
} {
  return Object.fromEntries(Object.entries(tensors).map(([name, { spec }]) => [name, spec]));
}

/** The specs of one of so many parts of a batch: as many rows of each tensor, rounded up. */
export function partSpecs(
  batch: { readonly [name: string]: TensorSpec },
  parts: number,
): { readonly [name: string]: TensorSpec } {
  return Object.fromEntries(
    Object.entries(batch).map(([name, { shape, dtype }]): [string, TensorSpec] => [
      name,
      { shape: [Math.ceil(shape[0]! / parts), ...shape.slice(1)], dtype },
    ]),
  );
}

/** A zeroed array for the elements of a spec. */
export function hostArray(spec: TensorSpec): HostArray {
  const size = sizeOf(spec.shape);
  if (spec.dtype === "float32") return new Float32Array(size);
  return spec.dtype === "int32" ? new Int32Array(size) : new Uint8Array(size);
}

/** The element type of an array. */
export function dtypeOf(array: HostArray): DType {
  if (array instanceof Float32Array) return "float32";
  return array instanceof Int32Array ? "int32" : "bool";
}

/** Checks an array against a spec. @throws PipeError `input-mismatch`. */
export function checkHostArray(array: HostArray, spec: TensorSpec, where: string): void {
  if (dtypeOf(array) === spec.dtype && array.length === sizeOf(spec.shape)) return;
  throw new PipeError("input-mismatch", "A host array does not fit the tensor that it should fill.", {
    expected: `${formatSpec(spec)} (${sizeOf(spec.shape)} elements)`,
    got: `${dtypeOf(array)}, ${array.length} elements`,
    where,
  });
}

/** Makes a host tensor, checked. @throws PipeError `input-mismatch`. */
export function hostTensor(shape: readonly number[], data: HostArray): HostTensor {
  const spec: TensorSpec = { shape, dtype: dtypeOf(data) };
  checkHostArray(data, spec, "hostTensor");
  return { spec, data };
}

/** The elements of raw little-endian bytes, copied so that they are aligned. @throws PipeError `input-mismatch`. */
export function arrayFromBytes(bytes: Uint8Array, spec: TensorSpec, where: string): HostArray {
  if (bytes.byteLength !== byteSizeOf(spec)) {
    throw new PipeError("input-mismatch", "Stored bytes do not fit their tensor.", {
      expected: `${byteSizeOf(spec)} bytes for ${formatSpec(spec)}`,
      got: `${bytes.byteLength} bytes`,
      where,
    });
  }
  const copy = bytes.slice();
  if (spec.dtype === "bool") return copy;
  return spec.dtype === "float32" ? new Float32Array(copy.buffer) : new Int32Array(copy.buffer);
}

/** The bytes of an array, without a copy. */
export function bytesOf(array: HostArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
