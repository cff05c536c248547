import { compositeLowerings } from "./lowering/composite.ts";
import { elementwiseLowerings } from "./lowering/elementwise.ts";
import { linearLowerings } from "./lowering/linear.ts";
import type { Lowering } from "./lowering/lowering.ts";
import { reductionLowerings } from "./lowering/reduction.ts";
import { shapeLowerings } from "./lowering/shape.ts";

/** How each op becomes StableHLO. */
export const lowerings: { readonly [op: string]: Lowering } = {
  ...elementwiseLowerings,
  ...reductionLowerings,
  ...shapeLowerings,
  ...linearLowerings,
  ...compositeLowerings,
};

/** Whether a composite goes to XLA as it is, instead of as what it is made of. */
export function isNative(op: string): boolean {
  return op in compositeLowerings;
}

/** Whether an op takes each element of its output from those at the same place of its inputs. */
export function isElementwise(op: string): boolean {
  return op in elementwiseLowerings || op === "choose";
}

/** Whether there is a lowering for an op. */
export function isLowered(op: string): boolean {
  return op in lowerings;
}
