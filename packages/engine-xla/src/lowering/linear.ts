import type { DType } from "@pipe/core";
import { sizeOf } from "@pipe/core";
import { formatList, formatType, type HloSpec } from "../hlo/format.ts";
import type { HloValue, HloWriter } from "../hlo/hlo-writer.ts";
import { type Lowering, shortType, type Target } from "./lowering.ts";

/** A product of stacks of matrices [..., m, k] and [..., k, n] with equal leading axes, either of them stored turned. */
function product(
  hlo: HloWriter,
  [a, b]: readonly [HloValue, HloValue],
  turned: readonly [boolean, boolean],
  { precision, platform }: Target,
): HloValue {
  const batch = a.shape.slice(0, -2);
  const rank = a.shape.length;
  const rows = a.shape[turned[0] ? rank - 1 : rank - 2]!;
  const columns = b.shape[turned[1] ? rank - 2 : rank - 1]!;
  const output: HloSpec = { shape: [...batch, rows, columns], dtype: "float32" };
  // Products of short floats are summed in float32.
  const [short, y] = [a, b].map((value) => (precision === "fp32" ? value : hlo.convert(value, shortType(precision))));
  const straightens = turned[0] && precision === "bf16" && platform === "cpu";
  const x = straightens ? straightened(hlo, short!) : short!;
  const [inX, inY] = [turned[0] && !straightens ? rank - 2 : rank - 1, turned[1] ? rank - 1 : rank - 2];
  const axes = formatList(batch.map((_, i) => i));
  const batching = batch.length === 0 ? "" : `batching_dims = [${axes}] x [${axes}], `;
  const types = `(${formatType(x)}, ${formatType(y!)}) -> ${formatType(output)}`;
  const contracting = `contracting_dims = [${inX}] x [${inY}]`;
  return hlo.add(`stablehlo.dot_general ${x.name}, ${y!.name}, ${batching}${contracting} : ${types}`, output);
}

/**
 * A stack of turned matrices [..., k, m] as [..., m, k]. On processors XLA has fast bf16 products for a first factor of that
 * form alone and computes others in float32, which takes a third more of a training step. Transposing by itself changes
 * nothing: XLA notes the order of the axes, and folds it into the product. A value of another rank has the usual order from
 * the start, and the barrier keeps the reshapes from being merged.
 */
function straightened(hlo: HloWriter, value: HloValue): HloValue {
  const rank = value.shape.length;
  const straight = hlo.transpose(value, [...value.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2));
  const kept = hlo.same("optimization_barrier", [hlo.reshape(straight, [...straight.shape, 1])]);
  return hlo.reshape(kept, straight.shape);
}

/** `stablehlo.scatter` that adds, with scalars of one type. */
function addRegion(scalar: HloSpec): string {
  const type = formatType(scalar);
  return `{ ^bb0(%left: ${type}, %right: ${type}): %sum = stablehlo.add %left, %right : ${type} stablehlo.return %sum : ${type} }`;
}

/** Adds rows to those of `base` that ids name; an id that names none is left out. */
function scatterAdd(hlo: HloWriter, base: HloValue, ids: HloValue, rows: HloValue): HloValue {
  const rank = ids.shape.length;
  const windows = base.shape.slice(1).map((_, i) => rank + i);
  const numbers = [
    `update_window_dims = [${formatList(windows)}]`,
    "inserted_window_dims = [0]",
    "scatter_dims_to_operand_dims = [0]",
    `index_vector_dim = ${rank}`,
  ].join(", ");
  const properties =
    `scatter_dimension_numbers = #stablehlo.scatter<${numbers}>, ` +
    "indices_are_sorted = false, unique_indices = false";
  const region = addRegion({ shape: [], dtype: base.dtype });
  return hlo.generic("scatter", [base, ids, rows], properties, region, base);
}

/** Lowerings of matrix products and lookups by index. */
export const linearLowerings: { readonly [op: string]: Lowering } = {
  BatchMatMul: ({ hlo, inputs, attributes, node, target }) => {
    const { shape } = node.outputs[0]!;
    const batch = shape.slice(0, -2);
    const isSingle = sizeOf(batch) === 1;
    const matrices = inputs.map((value) => {
      const tail = value.shape.slice(-2);
      // A product of two matrices takes the fastest way.
      return isSingle ? hlo.reshape(value, tail) : hlo.broadcast(value, [...batch, ...tail]);
    }) as [HloValue, HloValue];
    const turned = [attributes["transposeA"] === true, attributes["transposeB"] === true] as const;
    return hlo.reshape(product(hlo, matrices, turned, target), shape);
  },
  GatherV2: ({ hlo, inputs: [x, ids], attributes, node }) => {
    const axis = attributes["axis"] as number;
    const rank = ids!.shape.length;
    const offsets = x!.shape.flatMap((_, i) => (i === axis ? [] : [i < axis ? i : i + rank - 1]));
    const numbers = [
      `offset_dims = [${formatList(offsets)}]`,
      `collapsed_slice_dims = [${axis}]`,
      `start_index_map = [${axis}]`,
      `index_vector_dim = ${rank}`,
    ].join(", ");
    const sizes = formatList(x!.shape.map((size, i) => (i === axis ? 1 : size)));
    const properties =
      `dimension_numbers = #stablehlo.gather<${numbers}>, ` +
      `slice_sizes = array<i64: ${sizes}>, indices_are_sorted = false`;
    return hlo.generic("gather", [x!, ids!], properties, "", node.outputs[0]!);
  },
  UnsortedSegmentSum: ({ hlo, inputs: [x, ids], node }) => scatterAdd(hlo, hlo.fill(0, node.outputs[0]!), ids!, x!),
  OneHot: ({ hlo, inputs: [ids], attributes, node }) => {
    const { shape } = node.outputs[0]!;
    const dtype = attributes["dtype"] as DType;
    const axes = ids!.shape.map((_, i) => i);
    const isHot = hlo.compare("EQ", hlo.iota(shape.length - 1, shape), hlo.broadcastInto(ids!, axes, shape));
    const [on, off] = [attributes["onValue"], attributes["offValue"]].map((value) =>
      hlo.fill(value as number, { shape, dtype }),
    );
    return hlo.select(isHot, on!, off!);
  },
};
