import type { Graph } from "@pipe/graph";
import {
  checkShapes,
  decompose,
  mergeCommonSubexpressions,
  mergeCovered,
  removeDeadNodes,
  simplify,
} from "@pipe/graph";

/** Runs the passes that every ONNX model needs; composites for which `isNative` holds stay as they are. */
export function optimise(traced: Graph, isNative: (op: string) => boolean): Graph {
  const plain = decompose(mergeCovered(removeDeadNodes(traced)), ({ op }) => isNative(op));
  return checkShapes(removeDeadNodes(mergeCommonSubexpressions(simplify(plain))));
}
