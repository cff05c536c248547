import type { TensorSpec } from "@pipe/core";
import type { Attributes } from "../graph.ts";

/** What a tfjs kernel call carries, before it is made canonical. */
export type RawAttributes = { readonly [name: string]: unknown };

/** An op that every engine must have; names and attributes are those of tfjs's kernels. */
export type PlainOp = {
  /** Names of tfjs's kernel inputs in order, or `"list"` where it takes an array. */
  readonly inputs: readonly string[] | "list";
  /** The attributes that define the result, fully resolved (no negative axes, no inferred sizes). */
  attributes(raw: RawAttributes, inputs: readonly TensorSpec[]): Attributes;
  /** The output's spec. */
  infer(inputs: readonly TensorSpec[], attributes: Attributes): TensorSpec;
};

/** For ops without attributes. */
export const noAttributes = (): Attributes => ({});
