import { sizeOf } from "@pipe/core";
import { ELEMENT } from "../onnx-model.ts";
import { addRows } from "./add-rows.ts";
import { elementwiseLowerings } from "./elementwise.ts";
import type { Lowering } from "./lowering.ts";

/** Composites that ONNX Runtime computes better than their decompositions. */
export const compositeLowerings: { readonly [op: string]: Lowering } = {
  layerNorm: ({ model, inputs, attributes }) =>
    model.nodes("LayerNormalization", inputs, 3, { axis: -1, epsilon: { float: attributes["epsilon"] as number } }),
  // One pass instead of six; its gradient then keeps the input and the result, instead of three values on the way.
  gelu: ({ model, inputs: [x], specs: [spec] }) => {
    if (spec!.shape.length > 0) return model.node("com.microsoft.FastGelu", [x!]);
    return model.reshape(model.node("com.microsoft.FastGelu", [model.reshape(x!, [1])]), []);
  },
  choose: elementwiseLowerings["Select"]!,
  // A value that no optimiser can drop depends on what it waits for: x < x is false for every x.
  barrier: ({ model, inputs: [value, ...after], specs }) => {
    const zeros = after.flatMap((name, i) => {
      if (sizeOf(specs[i + 1]!.shape) === 0) return [];
      const one = model.node("Slice", [model.reshape(name, [-1]), model.integers([0]), model.integers([1])]);
      return model.node("Cast", [model.node("Less", [one, one])], { to: ELEMENT[specs[0]!.dtype] });
    });
    if (zeros.length === 0) return value!;
    const zero = zeros.reduce((a, b) => model.node("Add", [a, b]));
    const sum = model.node("Add", [value!, zero]);
    return specs[0]!.shape.length === 0 ? model.reshape(sum, []) : sum;
  },
  // Only where the cache is not written in place.
  updateSlice: ({ model, inputs: [cache, rows, positions], specs: [spec] }) => {
    const [batch, , capacity] = spec!.shape as [number, number, number, number];
    const columns = model.tensor(
      Int32Array.from({ length: capacity }, (_, i) => i),
      { shape: [1, 1, capacity, 1], dtype: "int32" },
    );
    const at = model.reshape(positions!, [batch, 1, 1, 1]);
    return model.node("Where", [model.node("Equal", [columns, at]), rows!, cache!]);
  },
  // Made by fuseScatterAdd.
  scatterAdd: ({ model, inputs: [base, ids, rows], specs: [baseSpec, idsSpec] }) => {
    const { shape, dtype } = baseSpec!;
    return addRows(model, { base: base!, shape, dtype, ids: ids!, count: sizeOf(idsSpec!.shape), rows: rows! });
  },
};
