import type { DType, TensorSpec } from "@pipe/core";
import type { Attributes } from "../graph.ts";

/** What a tfjs kernel call carries, before it is made canonical. */
export type RawAttributes = { readonly [name: string]: unknown };

/** An op that every engine must have; names and attributes are those of tfjs's kernels. */
export type PlainOp = {
  /** Names of tfjs's kernel inputs in order, or `"list"` where it takes an array. */
  readonly inputs: readonly string[] | "list";
  /** Element types that its inputs may have; all where absent. */
  readonly takes?: readonly DType[];
  /** Whether inputs of other types are cast to the first of `takes`, as tfjs's kernel does, instead of refused. */
  readonly casts?: true;
  /** The attributes that define the result, fully resolved (no negative axes, no inferred sizes). */
  attributes(raw: RawAttributes, inputs: readonly TensorSpec[]): Attributes;
  /** The output's spec. */
  infer(inputs: readonly TensorSpec[], attributes: Attributes): TensorSpec;
};

/** Ops over which engines and tfjs agree for numbers only: tfjs makes bools of 2 and -1. */
export const numbers: readonly DType[] = ["float32", "int32"];
/** Ops whose results are fractions. */
export const floats: readonly DType[] = ["float32"];

/** For ops without attributes. */
export const noAttributes = (): Attributes => ({});
