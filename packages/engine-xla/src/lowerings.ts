import type { TensorSpec } from "@pipe/core";
import type { Attributes } from "@pipe/graph";
import { attentionLowerings, isFused } from "./lowering/attention.ts";
import { compositeLowerings } from "./lowering/composite.ts";
import { elementwiseLowerings } from "./lowering/elementwise.ts";
import { linearLowerings } from "./lowering/linear.ts";
import type { Lowering, Target } from "./lowering/lowering.ts";
import { reductionLowerings } from "./lowering/reduction.ts";
import { shapeLowerings } from "./lowering/shape.ts";

/** How each op becomes StableHLO. */
export const lowerings: { readonly [op: string]: Lowering } = {
  ...elementwiseLowerings,
  ...reductionLowerings,
  ...shapeLowerings,
  ...linearLowerings,
  ...compositeLowerings,
  ...attentionLowerings,
};

/** Whether a composite of these inputs goes to XLA as it is, instead of as what it is made of. */
export function isNative(target: Target, op: string, inputs: readonly TensorSpec[], attributes: Attributes): boolean {
  return op in compositeLowerings || (op in attentionLowerings && isFused(target, op, inputs, attributes));
}

/** Whether an op takes each element of its output from those at the same place of its inputs. */
export function isElementwise(op: string): boolean {
  return op in elementwiseLowerings || op === "choose";
}

/** Whether an op of these inputs is lowered as it is. */
export function isLowered(target: Target, op: string, inputs: readonly TensorSpec[], attributes: Attributes): boolean {
  return op in attentionLowerings ? isFused(target, op, inputs, attributes) : op in lowerings;
}
