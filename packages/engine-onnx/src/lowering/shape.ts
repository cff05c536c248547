import type { DType } from "@pipe/core";
import type { Lowered, Lowering } from "./lowering.ts";

type Numbers = readonly number[];

type Part = { readonly axis: number; readonly count: number; readonly index: number };

/** Which of several equal parts along one axis a slice takes, where all others are taken as well: one `Split` makes them. */
function partOf({ attributes, specs: [spec], users }: Lowered): Part | undefined {
  const [begin, size] = [attributes["begin"] as Numbers, attributes["size"] as Numbers];
  const { shape } = spec!;
  const [axis, ...others] = shape.flatMap((d, i) => (d === size[i]! ? [] : [i]));
  if (axis === undefined || others.length > 0 || shape[axis]! % size[axis]! !== 0) return undefined;
  const count = shape[axis]! / size[axis]!;
  const taken = users(0).filter(
    ({ op, attributes: other }) => op === "Slice" && String(other["size"]) === String(size),
  );
  const places = new Set(taken.map((node) => (node.attributes["begin"] as Numbers)[axis]! / size[axis]!));
  const isWhole = places.size === count && [...places].every(Number.isInteger);
  return isWhole ? { axis, count, index: begin[axis]! / size[axis]! } : undefined;
}

/** Lowerings of ops that move elements without computing. */
export const shapeLowerings: { readonly [op: string]: Lowering } = {
  Reshape: ({ model, inputs: [x], attributes }) => model.reshape(x!, attributes["shape"] as Numbers),
  Transpose: ({ model, inputs, attributes }) =>
    model.node("Transpose", inputs, { perm: attributes["perm"] as Numbers }),
  Slice: (lowered) => {
    const {
      model,
      inputs: [x],
      attributes,
    } = lowered;
    const part = partOf(lowered);
    if (part !== undefined) {
      const { axis, count, index } = part;
      return model.once(`split ${x} ${axis} ${count}`, () =>
        model.nodes("Split", [x!], count, { axis, num_outputs: count }),
      )[index]!;
    }
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
