import type { DType } from "@pipe/core";
import type { Lowering } from "./lowering.ts";

type Numbers = readonly number[];

/** Lowerings of ops that move elements without computing. */
export const shapeLowerings: { readonly [op: string]: Lowering } = {
  Reshape: ({ model, inputs: [x], attributes }) =>
    model.node("Reshape", [x!, model.integers(attributes["shape"] as Numbers)]),
  Transpose: ({ model, inputs, attributes }) =>
    model.node("Transpose", inputs, { perm: attributes["perm"] as Numbers }),
  Slice: ({ model, inputs: [x], attributes }) => {
    const [begin, size] = [attributes["begin"] as Numbers, attributes["size"] as Numbers];
    const ends = begin.map((b, i) => b + size[i]!);
    return model.node("Slice", [
      x!,
      model.integers(begin),
      model.integers(ends),
      model.integers(begin.map((_, i) => i)),
    ]);
  },
  PadV2: ({ model, inputs: [x], attributes, specs }) => {
    const pairs = attributes["paddings"] as Numbers;
    const pads = [...pairs.filter((_, i) => i % 2 === 0), ...pairs.filter((_, i) => i % 2 === 1)];
    return model.node("Pad", [
      x!,
      model.integers(pads),
      model.scalar(attributes["constantValue"] as number, specs[0]!.dtype),
    ]);
  },
  Concat: ({ model, inputs, attributes }) => model.node("Concat", inputs, { axis: attributes["axis"] as number }),
  Tile: ({ model, inputs: [x], attributes }) => model.node("Tile", [x!, model.integers(attributes["reps"] as Numbers)]),
  Fill: ({ model, attributes }) => {
    const scalar = model.scalar(attributes["value"] as number, attributes["dtype"] as DType);
    const shape = attributes["shape"] as Numbers;
    return shape.length === 0 ? scalar : model.node("Expand", [scalar, model.integers(shape)]);
  },
};
