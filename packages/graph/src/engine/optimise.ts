import type { Graph } from "../graph.ts";
import { checkShapes } from "../passes/check-shapes.ts";
import { mergeCommonSubexpressions } from "../passes/common-subexpressions.ts";
import { mergeCovered } from "../passes/covered.ts";
import { removeDeadNodes } from "../passes/dead.ts";
import { decompose, type IsNative } from "../passes/decompose.ts";
import { simplify } from "../passes/simplify.ts";

/**
 * Runs the passes that every lowering needs; composites for which `isNative` holds stay as they are. Barriers stay in any
 * case: without them the second computation of a block would be merged with the first.
 */
export function optimise(traced: Graph, isNative: IsNative = () => false): Graph {
  const plain = decompose(
    mergeCovered(removeDeadNodes(traced)),
    (op, ...rest) => op === "barrier" || isNative(op, ...rest),
  );
  return checkShapes(removeDeadNodes(mergeCommonSubexpressions(simplify(plain))));
}
