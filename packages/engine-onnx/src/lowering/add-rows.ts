import { type DType, sizeOf } from "@pipe/core";
import { ELEMENT, type OnnxModel } from "../onnx-model.ts";

/** Rows that are compared with each other: what that costs grows with their square, what lies around it with their number. */
const CHUNK = 128;

/** What {@link addRows} adds to what. */
export type AddedRows = {
  /** Values of any shape [V, …]. */
  readonly base: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Names of rows of `base`, `count` of them. */
  readonly ids: string;
  readonly count: number;
  /** The rows, as many elements as `count` of them have. */
  readonly rows: string;
};

/**
 * Adds rows to those of `base` that ids name, in an order that is always the same.
 *
 * `ScatterND` with `reduction: "add"` says that, and ONNX Runtime 1.30 does not do it on a processor: its threads read, add and write the
 * same row at the same time, so that now and then one's sum is lost, more often the busier the machine is. Its switch
 * `use_deterministic_compute` does not change that. So rows of the same id are added up first, by a product with ones where ids are equal;
 * then each takes the sum that stands at the first of its like, adds what was there, and all of them write the same bytes.
 */
export function addRows(model: OnnxModel, { base, shape, dtype, ids, count, rows }: AddedRows): string {
  const width = sizeOf(shape.slice(1));
  const places = model.node("Cast", [model.reshape(ids, [count, 1])], { to: ELEMENT.int64 });
  const values = model.reshape(rows, [count, width]);
  let sum = model.reshape(base, [shape[0]!, width]);
  // WebGPU adds by atomic operations, which lose nothing.
  if (model.plain) sum = model.node("ScatterND", [sum, places, values], { reduction: "add" });
  else {
    for (let begin = 0; begin < count; begin += CHUNK) {
      const size = Math.min(CHUNK, count - begin);
      const part = (name: string): string =>
        size === count ? name : model.node("Slice", [name, model.integers([begin]), model.integers([begin + size])]);
      const own = part(places);
      const flat = model.reshape(own, [size]);
      const isSame = model.node("Equal", [own, model.reshape(own, [1, size])]);
      const same = model.node("Cast", [isSame], { to: ELEMENT[dtype] });
      const totals = model.node("MatMul", [same, part(values)]);
      const first = model.node("ArgMax", [same], { axis: 1, keepdims: 0 });
      const added = model.node("Gather", [totals, first], { axis: 0 });
      const before = model.node("Gather", [sum, flat], { axis: 0 });
      sum = model.node("ScatterND", [sum, own, model.node("Add", [before, added])]);
    }
  }
  return model.reshape(sum, shape);
}
