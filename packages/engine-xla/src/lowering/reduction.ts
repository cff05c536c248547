import { sizeOf } from "@pipe/core";
import type { HloType } from "../hlo/format.ts";
import type { HloValue, HloWriter } from "../hlo/hlo-writer.ts";
import type { Lowering } from "./lowering.ts";

const LEAST = { float32: -Infinity, int32: -(2 ** 31), bool: 0 };
const GREATEST = { float32: Infinity, int32: 2 ** 31 - 1, bool: 1 };

/** A reduction from a starting value that depends on the type. */
const reduction =
  (op: string, initial: (dtype: HloType) => number): Lowering =>
  ({ hlo, inputs: [x], attributes }) =>
    hlo.reduce(x!, attributes["axis"] as readonly number[], op, initial(x!.dtype), attributes["keepDims"] === true);

/** The largest element along the last axis, kept as an axis of size 1. */
const largest = (hlo: HloWriter, x: HloValue): HloValue =>
  hlo.reduce(x, [x.shape.length - 1], "maximum", LEAST[x.dtype as "float32"], true);

/** Lowerings of ops that reduce or normalise along axes. */
export const reductionLowerings: { readonly [op: string]: Lowering } = {
  Sum: reduction("add", () => 0),
  Max: reduction("maximum", (dtype) => LEAST[dtype as "float32"]),
  Min: reduction("minimum", (dtype) => GREATEST[dtype as "float32"]),
  All: reduction("and", () => 1),
  Any: reduction("or", () => 0),
  Mean: ({ hlo, inputs: [x], attributes }) => {
    const axes = attributes["axis"] as readonly number[];
    const sum = hlo.reduce(hlo.convert(x!, "float32"), axes, "add", 0, attributes["keepDims"] === true);
    return hlo.same("divide", [sum, hlo.fill(sizeOf(axes.map((axis) => x!.shape[axis]!)), sum)]);
  },
  Softmax: ({ hlo, inputs: [x] }) => {
    const { shape } = x!;
    const exponentials = hlo.same("exponential", [hlo.same("subtract", [x!, hlo.broadcast(largest(hlo, x!), shape)])]);
    const sum = hlo.reduce(exponentials, [shape.length - 1], "add", 0, true);
    return hlo.same("divide", [exponentials, hlo.broadcast(sum, shape)]);
  },
  // The least place whose element is the largest; places that don't count are the last one.
  ArgMax: ({ hlo, inputs: [x], attributes }) => {
    const { shape } = x!;
    const axis = attributes["axis"] as number;
    const most = hlo.reduce(x!, [axis], "maximum", LEAST[x!.dtype as "float32"], true);
    const isMost = hlo.compare("EQ", x!, hlo.broadcast(most, shape));
    const last = shape[axis]! - 1;
    const places = hlo.select(isMost, hlo.iota(axis, shape), hlo.fill(last, { shape, dtype: "int32" }));
    return hlo.reduce(places, [axis], "minimum", last);
  },
};
