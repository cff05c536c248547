import { ELEMENT } from "../onnx-model.ts";
import type { Lowering } from "./lowering.ts";

/** Composites that ONNX Runtime computes better than their decompositions. */
export const compositeLowerings: { readonly [op: string]: Lowering } = {
  layerNorm: ({ model, inputs, attributes }) =>
    model.nodes("LayerNormalization", inputs, 3, { axis: -1, epsilon: { float: attributes["epsilon"] as number } }),
  choose: ({ model, inputs }) => model.node("Where", inputs),
  // Subtracts 1 at the targets instead of a one-hot matrix.
  softmaxError: ({ model, inputs: [probabilities, targets], specs }) => {
    const rows = specs[0]!.shape[0]!;
    const numbers = model.tensor(
      Int32Array.from({ length: rows }, (_, i) => i),
      { shape: [rows, 1], dtype: "int32" },
    );
    const columns = model.node("Reshape", [targets!, model.integers([rows, 1])]);
    const places = model.node("Cast", [model.node("Concat", [numbers, columns], { axis: 1 })], { to: ELEMENT.int64 });
    const ones = model.tensor(new Float32Array(rows).fill(-1), { shape: [rows], dtype: "float32" });
    return model.node("ScatterND", [probabilities!, places, ones], { reduction: "add" });
  },
};
