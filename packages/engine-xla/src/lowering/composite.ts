import { formatList, formatType } from "../hlo/format.ts";
import { names } from "../hlo/hlo-writer.ts";
import type { Lowering } from "./lowering.ts";

/** Composites that XLA computes better than their decompositions. */
export const compositeLowerings: { readonly [op: string]: Lowering } = {
  // XLA moves nothing across it and merges nothing with it. The values that are waited for go through as well.
  barrier: ({ hlo, inputs }) => {
    const types = inputs.map(formatType).join(", ");
    return hlo.addAll(`stablehlo.optimization_barrier ${names(inputs)} : ${types}`, inputs)[0]!;
  },
  // A selection by one flag joins the loop that computes the new value, where a branch would need memory for it.
  choose: ({ hlo, inputs: [condition, a, b] }) => hlo.select(condition!, a!, b!),
  // One row [H, D] a batch row, at a position of its own: written in place where the cache is donated.
  updateSlice: ({ hlo, inputs: [cache, rows, positions] }) => {
    const [batch, heads, , width] = cache!.shape as [number, number, number, number];
    const column = (value: typeof cache): typeof value => hlo.reshape(value!, [batch, 1]);
    const [row, place] = [column(hlo.iota(0, [batch])), column(positions)];
    const pair = { shape: [batch, 2], dtype: "int32" } as const;
    const types = `(${formatType(row!)}, ${formatType(place!)}) -> ${formatType(pair)}`;
    const places = hlo.add(`stablehlo.concatenate ${names([row!, place!])}, dim = 1 : ${types}`, pair);
    const flat = hlo.reshape(rows!, [batch, heads, width]);
    const numbers = [
      `update_window_dims = [${formatList([1, 2])}]`,
      `inserted_window_dims = [${formatList([0, 2])}]`,
      `scatter_dims_to_operand_dims = [${formatList([0, 2])}]`,
      "index_vector_dim = 1",
    ].join(", ");
    const properties =
      `scatter_dimension_numbers = #stablehlo.scatter<${numbers}>, ` +
      "indices_are_sorted = true, unique_indices = true";
    const type = formatType({ shape: [], dtype: cache!.dtype });
    const region = `{ ^bb0(%left: ${type}, %right: ${type}): stablehlo.return %right : ${type} }`;
    return hlo.generic("scatter", [cache!, places, flat], properties, region, cache!);
  },
};
