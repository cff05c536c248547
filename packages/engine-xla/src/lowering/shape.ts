import type { DType } from "@pipe/core";
import { formatList, formatType } from "../hlo/format.ts";
import { names } from "../hlo/hlo-writer.ts";
import type { Lowering } from "./lowering.ts";

type Numbers = readonly number[];

/** Lowerings of ops that move elements without computing. */
export const shapeLowerings: { readonly [op: string]: Lowering } = {
  Reshape: ({ hlo, inputs: [x], attributes }) => hlo.reshape(x!, attributes["shape"] as Numbers),
  Transpose: ({ hlo, inputs: [x], attributes }) => hlo.transpose(x!, attributes["perm"] as Numbers),
  Slice: ({ hlo, inputs: [x], attributes }) =>
    hlo.slice(x!, attributes["begin"] as Numbers, attributes["size"] as Numbers),
  PadV2: ({ hlo, inputs: [x], attributes, node }) => {
    const pairs = attributes["paddings"] as Numbers;
    const [low, high] = [0, 1].map((side) => formatList(pairs.filter((_, i) => i % 2 === side)));
    const zeros = formatList(x!.shape.map(() => 0));
    const padding = hlo.fill(attributes["constantValue"] as number, { shape: [], dtype: x!.dtype });
    const [output] = node.outputs;
    const types = `(${formatType(x!)}, ${formatType(padding)}) -> ${formatType(output!)}`;
    const edges = `low = [${low}], high = [${high}], interior = [${zeros}]`;
    return hlo.add(`stablehlo.pad ${names([x!, padding])}, ${edges} : ${types}`, output!);
  },
  Concat: ({ hlo, inputs, attributes, node }) => {
    const [output] = node.outputs;
    const types = `(${inputs.map(formatType).join(", ")}) -> ${formatType(output!)}`;
    return hlo.add(`stablehlo.concatenate ${names(inputs)}, dim = ${attributes["axis"] as number} : ${types}`, output!);
  },
  // [a, b] → [1, a, 1, b] → [m, a, n, b] → [m · a, n · b].
  Tile: ({ hlo, inputs: [x], attributes, node }) => {
    const reps = attributes["reps"] as Numbers;
    const axes = x!.shape.map((_, i) => 2 * i + 1);
    const wide = hlo.broadcastInto(
      x!,
      axes,
      x!.shape.flatMap((size, i) => [reps[i]!, size]),
    );
    return hlo.reshape(wide, node.outputs[0]!.shape);
  },
  Fill: ({ hlo, attributes }) =>
    hlo.fill(attributes["value"] as number, {
      shape: attributes["shape"] as Numbers,
      dtype: attributes["dtype"] as DType,
    }),
};
