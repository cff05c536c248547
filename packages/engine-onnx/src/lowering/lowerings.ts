import type { DType } from "@pipe/core";
import type { Provider } from "../providers.ts";
import { compositeLowerings } from "./composite.ts";
import { elementwiseLowerings } from "./elementwise.ts";
import { linearLowerings } from "./linear.ts";
import type { Lowering } from "./lowering.ts";
import { reductionLowerings } from "./reduction.ts";
import { shapeLowerings } from "./shape.ts";
import { webgpuLowering } from "./webgpu/index.ts";

const general: { readonly [op: string]: Lowering } = {
  ...elementwiseLowerings,
  ...reductionLowerings,
  ...shapeLowerings,
  ...linearLowerings,
  ...compositeLowerings,
};

/** How a provider takes an op whose first input is of a type; undefined where it does not. */
export function loweringOf(op: string, dtype: DType | undefined, provider: Provider): Lowering | undefined {
  return (provider === "webgpu" ? webgpuLowering(op, dtype) : undefined) ?? general[op];
}

/** Composites for which ONNX Runtime has an op of its own, and ONNX has none; WebGPU has ONNX's only. */
const beyondOnnx = new Set(["gelu"]);

/** Whether a composite goes to a provider as it is, instead of as what it is made of. */
export function isNativeComposite(op: string, provider: Provider): boolean {
  return op in compositeLowerings && !(provider === "webgpu" && beyondOnnx.has(op));
}

/** Whether an op goes to a provider as one of its own. */
export function isLowered(op: string, dtype: DType | undefined, provider: Provider): boolean {
  if (provider !== "webgpu") return op in general;
  return op in general && !beyondOnnx.has(op) && webgpuLowering(op, dtype) === undefined;
}
