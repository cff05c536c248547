import type { HostArray, TensorSpec } from "@pipe/core";

/** Element types as MLIR writes them: ours, and those that only arise inside a lowering. */
const names = { float32: "f32", int32: "i32", bool: "i1", bfloat16: "bf16", float16: "f16", float64: "f64" } as const;

/** An element type of a value inside a program. */
export type HloType = keyof typeof names;
/** Shape and element type of a value inside a program. */
export type HloSpec = { readonly shape: readonly number[]; readonly dtype: HloType };

/** `tensor<2x3xf32>`. */
export function formatType({ shape, dtype }: HloSpec): string {
  return `tensor<${shape.map((size) => `${size}x`).join("")}${names[dtype]}>`;
}

/** A list of numbers such as `0, 1`. */
export function formatList(numbers: readonly number[]): string {
  return numbers.join(", ");
}

/** A number as MLIR reads it: floats need a point, and those that are not finite their bits. */
export function formatNumber(value: number, dtype: HloType): string {
  if (dtype === "bool") return value === 0 ? "false" : "true";
  if (dtype === "int32") return String(Math.trunc(value));
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "0x7FC00000" : value > 0 ? "0x7F800000" : "0xFF800000";
  // The text of the nearest float32, so that reading it gives the same bits.
  const text = (Object.is(value, -0) ? "-" : "") + Math.fround(value).toExponential();
  return text.includes(".") ? text : text.replace("e", ".0e");
}

/** What stands in `dense<…>` for an array: one number where all are equal, else its bytes. */
export function formatArray(data: HostArray, { dtype, shape }: TensorSpec): string {
  const [first = 0] = data;
  if (data.every((value) => Object.is(value, first))) return formatNumber(first, dtype);
  // Bytes of i1 would be single bits.
  if (dtype === "bool")
    return nested(
      Array.from(data, (value) => formatNumber(value, dtype)),
      shape,
    );
  return `"0x${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex").toUpperCase()}"`;
}

function nested(values: readonly string[], shape: readonly number[]): string {
  const [size = 1, ...rest] = shape;
  if (rest.length === 0) return `[${values.join(", ")}]`;
  const step = values.length / size;
  const rows = Array.from({ length: size }, (_, i) => nested(values.slice(i * step, (i + 1) * step), rest));
  return `[${rows.join(", ")}]`;
}
