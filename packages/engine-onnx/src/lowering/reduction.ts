import { sizeOf } from "@pipe/core";
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

/** Sums over all rows of a tall float32 matrix, as biases and gains have them: a product with ones is several times faster. */
function sumAsProduct({ model, node, inputs, attributes, specs: [spec] }: Lowered): string | undefined {
  const axes = attributes["axis"] as readonly number[];
  const rows = sizeOf(spec!.shape.slice(0, axes.length));
  const columns = sizeOf(spec!.shape.slice(axes.length));
  const areLeading = axes.every((axis, i) => axis === i);
  if (spec!.dtype !== "float32" || !areLeading || axes.length === spec!.shape.length || rows < 16) return undefined;
  const ones = model.once(`ones ${rows}`, () =>
    model.tensor(new Float32Array(rows).fill(1), { shape: [1, rows], dtype: "float32" }),
  );
  const matrix = model.reshape(inputs[0]!, [rows, columns]);
  const sum = model.node("Gemm", [ones, matrix]);
  return model.reshape(sum, node.outputs[0]!.shape);
}

/** For bool: as int32, and back. The largest of no integers is below 0, the least of none above. */
const logical =
  (op: string): Lowering =>
  (lowered) => {
    const { model, inputs } = lowered;
    const integers = model.node("Cast", inputs, { to: ELEMENT.int32 });
    return model.node("Greater", [reduce(lowered, op, integers), model.scalar(0, "int32")]);
  };

/** Lowerings of ops that reduce or normalise along axes. */
export const reductionLowerings: { readonly [op: string]: Lowering } = {
  // A sum of squares is one pass.
  Sum: (lowered) => {
    const { node, inputs } = lowered.producer(0);
    if (node.op === "Square") return reduce(lowered, "ReduceSumSquare", inputs[0]);
    return sumAsProduct(lowered) ?? reduce(lowered, "ReduceSum");
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
