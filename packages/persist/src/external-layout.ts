import type { HostTensor, ParameterSpec, TensorSpec } from "@pipe/core";
import { bytesOf, sizeOf } from "@pipe/core";

/** How a parameter stands in exchanged files. */
export type ExternalTensor = { readonly name: string; readonly spec: TensorSpec };

/** Name and spec of a parameter in exchanged files: padding rows cut, then transposed where the file has it so. */
export function externalOf({ name, shape, dtype, external }: ParameterSpec): ExternalTensor {
  const cut = external?.shape ?? shape;
  return {
    name: external?.name ?? name,
    spec: { shape: external?.transposed === true ? cut.toReversed() : cut, dtype },
  };
}

/** A parameter's bytes as the file has them. */
export function toExternal(parameter: ParameterSpec, bytes: Uint8Array): Uint8Array {
  const { external, shape } = parameter;
  const cut = external?.shape ?? shape;
  // Padding is at the end of the first axis, so the used rows come first.
  const used = sizeOf(cut) === sizeOf(shape) ? bytes : bytes.subarray(0, 4 * sizeOf(cut));
  if (external?.transposed !== true) return used;
  return bytesOf(transpose(new Float32Array(used.slice().buffer), cut as [number, number]));
}

/** A parameter's value from a file: transposed back, padding rows zero. */
export function fromExternal(parameter: ParameterSpec, stored: HostTensor): HostTensor {
  const { external, shape, dtype } = parameter;
  let data = stored.data as Float32Array;
  if (external?.transposed === true) data = transpose(data, stored.spec.shape as [number, number]);
  if (data.length !== sizeOf(shape)) {
    const padded = new Float32Array(sizeOf(shape));
    padded.set(data);
    data = padded;
  }
  return { spec: { shape, dtype }, data };
}

function transpose(data: Float32Array, [rows, columns]: readonly [number, number]): Float32Array {
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j]!;
  return result;
}
