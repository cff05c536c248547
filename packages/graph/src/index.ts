/**
 * Traces pure tfjs programs into graphs, rewrites graphs, and runs them op by op as a reference.
 *
 * @packageDocumentation
 */
export {
  formatGraph,
  GraphBuilder,
  specOf,
  type Attribute,
  type Attributes,
  type Block,
  type Graph,
  type Node,
  type Value,
} from "./graph.ts";
export { isSpec, trace } from "./trace.ts";
export { forwardContext } from "./forward-context.ts";
export { constant } from "./constant.ts";
export { finiteProbe, type FiniteProbe, type NonFinite } from "./finite-probe.ts";
export { interpret } from "./interpret.ts";
export { compositeNames, compositeOf, defineComposite, type CompositeOp } from "./composite.ts";
export { plainOps } from "./plain/index.ts";
export type { PlainOp, RawAttributes } from "./plain/op.ts";
export { keep, rewrite } from "./passes/rewrite.ts";
export { plannedPeak } from "./passes/planned-peak.ts";
export { recompute } from "./passes/recompute.ts";
export { removeDeadNodes } from "./passes/dead.ts";
export { mergeCommonSubexpressions } from "./passes/common-subexpressions.ts";
export { mergeCovered } from "./passes/covered.ts";
export { simplify } from "./passes/simplify.ts";
export { decompose } from "./passes/decompose.ts";
export { checkShapes } from "./passes/check-shapes.ts";
