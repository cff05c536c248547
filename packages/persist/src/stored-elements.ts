import { PipeError, type HostTensor } from "@pipe/core";
import { damaged } from "./safetensors-header.ts";

/**
 * Turns stored little-endian bytes into the elements of a host tensor; float32, int32 and bool are laid over them, not copied.
 *
 * @param bytes must begin at offset 0 of its buffer.
 * @throws PipeError `dtype-unsupported`, `safetensors-damaged` where an I64 does not fit an int32.
 */
export function elementsOf(bytes: Uint8Array, dtype: string, shape: readonly number[], where: string): HostTensor {
  const buffer = bytes.buffer as ArrayBuffer;
  switch (dtype) {
    case "F32":
      return { spec: { shape, dtype: "float32" }, data: new Float32Array(buffer) };
    case "F16":
      return { spec: { shape, dtype: "float32" }, data: fromFloat16(new Uint16Array(buffer)) };
    case "BF16":
      return { spec: { shape, dtype: "float32" }, data: fromBfloat16(new Uint16Array(buffer)) };
    case "I32":
      return { spec: { shape, dtype: "int32" }, data: new Int32Array(buffer) };
    case "I64":
      return { spec: { shape, dtype: "int32" }, data: fromInt64(new BigInt64Array(buffer), where) };
    case "BOOL":
      return { spec: { shape, dtype: "bool" }, data: bytes };
    default:
      throw new PipeError("dtype-unsupported", "A tensor has a type that cannot be read.", {
        expected: "F32, F16, BF16, I32, I64 or BOOL",
        got: dtype,
        where,
      });
  }
}

function fromBfloat16(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16; // bfloat16 is the upper half of a float32
  return new Float32Array(words.buffer);
}

let float16Values: Float32Array | undefined;

function fromFloat16(halves: Uint16Array): Float32Array {
  const table = (float16Values ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => float16Value(bits)));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]!]!;
  return values;
}

/** IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function fromInt64(wide: BigInt64Array, where: string): Int32Array {
  const values = new Int32Array(wide.length);
  for (let i = 0; i < wide.length; i++) {
    values[i] = Number(wide[i]);
    if (BigInt(values[i]!) !== wide[i]) throw damaged("integers that fit 32 bits", String(wide[i]), `${where}[${i}]`);
  }
  return values;
}
