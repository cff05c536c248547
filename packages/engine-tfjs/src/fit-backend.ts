import type { TensorSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import type { Attributes, Graph } from "@pipe/graph";
import { keep, rewrite, specOf } from "@pipe/graph";
import { type Add, compositions } from "./compositions.ts";

/** Whether an op is one of a backend's own kernels for such inputs and attributes. */
type IsNative = (op: string, inputs: readonly TensorSpec[], attributes: Attributes) => boolean;
type IsWrong = (inputs: readonly TensorSpec[], attributes: Attributes) => boolean;

const isInteger: IsWrong = ([input]) => input!.dtype === "int32";
/** Kernels that a backend has but that compute something else there; found by the engine contract, tfjs 4.22. */
const wrong: { readonly [backend: string]: { readonly [op: string]: IsWrong } } = {
  wasm: {
    // It keeps the lowest byte.
    Cast: (_, { dtype }) => dtype === "bool",
    // It takes integers for floats.
    ClipByValue: isInteger,
    // Through float32, which rounds above 2²⁴.
    FloorDiv: isInteger,
    // It writes integers in any case, and beside the array where an index is none of its places.
    OneHot: () => true,
    // It takes flags for numbers, four times as long.
    Select: ([, branch]) => branch!.dtype === "bool",
    // It leaves its output as it was.
    Softmax: () => true,
  },
};

/** Tells which ops a backend computes by kernels of its own. */
export function nativeOn(backend: string, hasKernel: (op: string) => boolean): IsNative {
  return (op, inputs, attributes) => hasKernel(op) && wrong[backend]?.[op]?.(inputs, attributes) !== true;
}

/**
 * Rewrites a graph so that it uses only kernels that the backend has.
 * @throws PipeError `unsupported-op` naming the op, the backend and the line.
 */
export function fitBackend(graph: Graph, backend: string, isNative: IsNative): Graph {
  return rewrite(graph, (node, builder) => {
    const { op, source } = node;
    const specs = node.inputs.map((value) => specOf(builder.nodes, value));
    if (op === "Input" || op === "Constant" || isNative(op, specs, node.attributes)) return keep(node, builder);
    const compose = compositions[op];
    const place = source === undefined ? {} : { source };
    if (compose === undefined) {
      throw new PipeError("unsupported-op", `The tfjs backend "${backend}" has no kernel for ${op}.`, {
        ...(source === undefined ? {} : { where: source }),
        fix: "write it with other ops, or take another engine or backend",
      });
    }
    const add: Add = (name, inputs, attributes, output, data) => ({
      node: builder.add({
        op: name,
        inputs,
        attributes,
        outputs: [output],
        ...place,
        ...(data === undefined ? {} : { data }),
      }),
      output: 0,
    });
    return [compose(node, add, specs)];
  });
}
