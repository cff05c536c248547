import type { DType } from "@pipe/core";
import { ELEMENT, type OnnxModel } from "../onnx-model.ts";

/** `a` where the condition holds, else `b`: ONNX Runtime chooses between bools as integers. */
export function where(model: OnnxModel, condition: string, a: string, b: string, dtype: DType): string {
  if (dtype !== "bool") return model.node("Where", [condition, a, b]);
  const [x, y] = [a, b].map((name) => model.node("Cast", [name], { to: ELEMENT.int32 }));
  return model.node("Cast", [model.node("Where", [condition, x!, y!])], { to: ELEMENT.bool });
}
