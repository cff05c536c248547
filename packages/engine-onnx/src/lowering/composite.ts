import { ELEMENT } from "../onnx-model.ts";
import type { Lowering } from "./lowering.ts";

/** Composites that ONNX Runtime computes better than their decompositions. */
export const compositeLowerings: { readonly [op: string]: Lowering } = {
  layerNorm: ({ model, inputs, attributes }) =>
    model.nodes("LayerNormalization", inputs, 3, { axis: -1, epsilon: { float: attributes["epsilon"] as number } }),
  choose: ({ model, inputs }) => model.node("Where", inputs),
  // (probabilities - one-hot) · dy without the one-hot: scale the rows, then subtract dy at the targets.
  sparseCrossEntropyGradient: ({ model, inputs: [probabilities, targets, dy], specs }) => {
    const rows = specs[0]!.shape[0]!;
    const scaled = model.node("Mul", [probabilities!, model.node("Reshape", [dy!, model.integers([rows, 1])])]);
    const numbers = model.tensor(
      Int32Array.from({ length: rows }, (_, i) => i),
      { shape: [rows, 1], dtype: "int32" },
    );
    const columns = model.node("Reshape", [targets!, model.integers([rows, 1])]);
    const places = model.node("Cast", [model.node("Concat", [numbers, columns], { axis: 1 })], { to: ELEMENT.int64 });
    return model.node("ScatterND", [scaled, places, model.node("Neg", [dy!])], { reduction: "add" });
  },
};
