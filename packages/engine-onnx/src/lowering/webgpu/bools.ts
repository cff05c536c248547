import type { TensorSpec } from "@pipe/core";
import { ELEMENT } from "../../onnx-model.ts";
import type { Lowering } from "../lowering.ts";

/** Lets an op work on bools as integers of 0 and 1, and gives back what the op's output is. */
export const asIntegers =
  (lowering: Lowering): Lowering =>
  (lowered) => {
    const { model, inputs, specs, node } = lowered;
    const asInteger = (spec: TensorSpec): TensorSpec => (spec.dtype === "bool" ? { ...spec, dtype: "int32" } : spec);
    const integers = lowering({
      ...lowered,
      inputs: inputs.map((name, i) =>
        specs[i]!.dtype === "bool" ? model.node("Cast", [name], { to: ELEMENT.int32 }) : name,
      ),
      specs: specs.map(asInteger),
    });
    const isMoved = node.outputs[0]!.dtype === "bool" && !comparisons.has(node.op);
    return isMoved ? model.node("Cast", [integers as string], { to: ELEMENT.bool }) : integers;
  };

/** They make bools of integers. */
const comparisons = new Set(["Equal", "NotEqual"]);
