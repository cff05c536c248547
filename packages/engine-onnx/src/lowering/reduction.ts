import { ELEMENT } from "../onnx-model.ts";
import type { Lowered, Lowering } from "./lowering.ts";

function reduce({ model, attributes, inputs }: Lowered, op: string, input = inputs[0]!): string {
  const axes = model.integers(attributes["axis"] as readonly number[]);
  return model.node(op, [input, axes], { keepdims: attributes["keepDims"] === true ? 1 : 0 });
}

const reduction =
  (op: string): Lowering =>
  (lowered) =>
    reduce(lowered, op);

/** For bool: as int32, and back. */
const logical =
  (op: string): Lowering =>
  (lowered) => {
    const { model, inputs } = lowered;
    const integers = model.node("Cast", inputs, { to: ELEMENT.int32 });
    return model.node("Cast", [reduce(lowered, op, integers)], { to: ELEMENT.bool });
  };

/** Lowerings of ops that reduce or normalise along axes. */
export const reductionLowerings: { readonly [op: string]: Lowering } = {
  // A sum of squares is one pass.
  Sum: (lowered) => {
    const { node, inputs } = lowered.producer(0);
    return node.op === "Square" ? reduce(lowered, "ReduceSumSquare", inputs[0]) : reduce(lowered, "ReduceSum");
  },
  Mean: reduction("ReduceMean"),
  Max: reduction("ReduceMax"),
  Min: reduction("ReduceMin"),
  All: logical("ReduceMin"),
  Any: logical("ReduceMax"),
  Softmax: ({ model, inputs }) => model.node("Softmax", inputs, { axis: -1 }),
  ArgMax: ({ model, inputs, attributes }) =>
    model.node("Cast", [model.node("ArgMax", inputs, { axis: attributes["axis"] as number, keepdims: 0 })], {
      to: ELEMENT.int32,
    }),
};
