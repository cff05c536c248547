import { sizeOf } from "@pipe/core";
import type { OnnxModel } from "../onnx-model.ts";
import { addRows } from "./add-rows.ts";
import type { Lowering } from "./lowering.ts";
import { where } from "./where.ts";
import { wholeNumbers } from "./whole-numbers.ts";

/** A tensor with its last two axes exchanged. */
function turn(model: OnnxModel, name: string, { length }: readonly number[]): string {
  const perm = Array.from({ length }, (_, axis) => (axis < length - 2 ? axis : 2 * length - 3 - axis));
  return model.node("Transpose", [name], { perm });
}

/** Lowerings of matrix products and lookups by index. */
export const linearLowerings: { readonly [op: string]: Lowering } = {
  BatchMatMul: ({ model, inputs, attributes, specs, node }) => {
    const transA = attributes["transposeA"] === true ? 1 : 0;
    const transB = attributes["transposeB"] === true ? 1 : 0;
    const [a, b] = specs.map(({ shape }) => shape);
    const flat = [a!, b!].every((shape) => sizeOf(shape.slice(0, -2)) === 1);
    if (!flat) {
      if (transA + transB === 0) return model.node("MatMul", inputs);
      if (!model.plain) return model.node("com.microsoft.FusedMatMul", inputs, { transA, transB });
      const turned = inputs.map((name, i) => ([transA, transB][i] === 1 ? turn(model, name, specs[i]!.shape) : name));
      return model.node("MatMul", turned);
    }
    const shapes = [a!, b!].map((shape) => shape.slice(-2));
    const matrices = inputs.map((name, i) => (specs[i]!.shape.length === 2 ? name : model.reshape(name, shapes[i]!)));
    const product = model.node("Gemm", matrices, { transA, transB });
    const { shape } = node.outputs[0]!;
    return shape.length === 2 ? product : model.reshape(product, shape);
  },
  GatherV2: ({ model, inputs, attributes }) => model.node("Gather", inputs, { axis: attributes["axis"] as number }),
  UnsortedSegmentSum: ({ model, inputs: [rows, ids], specs: [rowsSpec, idsSpec], node }) => {
    const { shape } = node.outputs[0]!;
    const { dtype } = rowsSpec!;
    const base = model.node("Expand", [model.scalar(0, dtype), model.integers(shape)]);
    return addRows(model, { base, shape, dtype, ids: ids!, count: sizeOf(idsSpec!.shape), rows: rows! });
  },
  // ONNX's own counts indices below 0 from the end, and takes no scalar.
  OneHot: ({ model, inputs: [ids], specs: [spec], attributes, node }) => {
    const { dtype } = node.outputs[0]!;
    const column = model.reshape(ids!, [...spec!.shape, 1]);
    const isHot = model.node("Equal", [column, wholeNumbers(model, 0, attributes["depth"] as number, "int32")]);
    const [on, off] = ["onValue", "offValue"].map((name) => model.scalar(attributes[name] as number, dtype));
    return where(model, isHot, on!, off!, dtype);
  },
};
