import type { Graph } from "../graph.ts";
import { checkShapes } from "../passes/check-shapes.ts";
import { mergeCommonSubexpressions } from "../passes/common-subexpressions.ts";
import { mergeCovered } from "../passes/covered.ts";
import { removeDeadNodes } from "../passes/dead.ts";
import { decompose, type IsNative } from "../passes/decompose.ts";
import { simplify } from "../passes/simplify.ts";

/** Runs the passes that every lowering needs; composites for which `isNative` holds stay as they are. */
export function optimise(traced: Graph, isNative: IsNative): Graph {
  const plain = decompose(mergeCovered(removeDeadNodes(traced)), isNative);
  return checkShapes(removeDeadNodes(mergeCommonSubexpressions(simplify(plain))));
}
