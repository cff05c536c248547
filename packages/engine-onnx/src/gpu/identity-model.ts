import type { DType } from "@pipe/core";
import { OnnxModel } from "../onnx-model.ts";

/** A model that hands its input `x`, of any shape, out, and the name under which it does. */
export function identityModel(dtype: DType): { readonly model: Uint8Array<ArrayBuffer>; readonly output: string } {
  const model = new OnnxModel({ plain: true });
  model.input("x", { dtype });
  const output = model.output("x", { dtype });
  return { model: model.encode(), output };
}
