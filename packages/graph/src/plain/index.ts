import { elementwiseOps } from "./elementwise.ts";
import { linearOps } from "./linear.ts";
import type { PlainOp } from "./op.ts";
import { reductionOps } from "./reduction.ts";
import { shapeOps } from "./shape.ts";

/** Every plain op by name: what an engine must be able to run. */
export const plainOps: ReadonlyMap<string, PlainOp> = new Map([
  ...elementwiseOps,
  ...reductionOps,
  ...shapeOps,
  ...linearOps,
]);
