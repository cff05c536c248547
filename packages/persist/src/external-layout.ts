import { byteSizeOf, PipeError, sizeOf, type ParameterSpec, type TensorSpec } from "@pipe/core";

/** The name of a parameter in exchanged files. */
export function externalName(parameter: ParameterSpec): string {
  return parameter.external?.name ?? parameter.name;
}

/**
 * The spec of a parameter in exchanged files: transposed where it says so, without rows that only pad it.
 *
 * @throws PipeError `parameter-invalid` where `external` cannot be reached from the parameter's shape.
 */
export function externalSpec(parameter: ParameterSpec): TensorSpec {
  const whole = wholeShape(parameter);
  const shape = parameter.external?.shape ?? whole;
  const fits =
    shape.length === whole.length &&
    shape.every((size, axis) => (axis === 0 ? size <= whole[0]! : size === whole[axis]));
  if (!fits) throw invalid(parameter, `[${whole.join(", ")}] or fewer rows`, `[${shape.join(", ")}]`);
  return { shape, dtype: parameter.dtype };
}

/** The bytes of a parameter as they stand in exchanged files; a copy only where it is transposed. */
export function toExternal(parameter: ParameterSpec, bytes: Uint8Array): Uint8Array {
  const spec = externalSpec(parameter);
  const turned = parameter.external?.transposed === true ? transpose(bytes, parameter) : bytes;
  return turned.subarray(0, byteSizeOf(spec)); // rows that pad stand at the end
}

/** The inverse of {@link toExternal}; padded rows become zero. The result begins at offset 0 of its buffer if the input does. */
export function fromExternal(parameter: ParameterSpec, bytes: Uint8Array): Uint8Array {
  const size = byteSizeOf(parameter);
  let whole = bytes;
  if (bytes.byteLength < size) {
    whole = new Uint8Array(size);
    whole.set(bytes);
  }
  if (parameter.external?.transposed !== true) return whole;
  return transpose(whole, { shape: wholeShape(parameter), dtype: parameter.dtype });
}

/** The shape in the file, were no rows cut. */
function wholeShape(parameter: ParameterSpec): readonly number[] {
  if (parameter.external?.transposed !== true) return parameter.shape;
  if (parameter.shape.length !== 2)
    throw invalid(parameter, "two axes to transpose", `[${parameter.shape.join(", ")}]`);
  return parameter.shape.toReversed();
}

function transpose(bytes: Uint8Array, { shape, dtype }: TensorSpec): Uint8Array {
  const [rows, columns] = shape as [number, number];
  const [from, to] = [bytes.byteOffset % 4 === 0 ? bytes : bytes.slice(), new Uint8Array(bytes.byteLength)].map((of) =>
    dtype === "bool" ? of : new Uint32Array(of.buffer, of.byteOffset, sizeOf(shape)),
  ) as [Uint32Array, Uint32Array];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) to[column * rows + row] = from[row * columns + column]!;
  }
  return new Uint8Array(to.buffer);
}

function invalid(parameter: ParameterSpec, expected: string, got: string): PipeError {
  return new PipeError("parameter-invalid", "A parameter's external layout does not fit its shape.", {
    expected,
    got,
    where: parameter.name,
  });
}
