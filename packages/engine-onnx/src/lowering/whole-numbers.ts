import type { DType } from "@pipe/core";
import type { OnnxModel } from "../onnx-model.ts";

/** The numbers from a first one on, as a constant of one axis. */
export function wholeNumbers(model: OnnxModel, first: number, count: number, dtype: DType): string {
  const array = dtype === "float32" ? new Float32Array(count) : new Int32Array(count);
  return model.tensor(
    array.map((_, i) => first + i),
    { shape: [count], dtype },
  );
}
