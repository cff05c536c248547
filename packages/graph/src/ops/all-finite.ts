import * as tf from "../tf.ts";

/** A bool scalar: whether every element of every tensor is finite. */
export function allFinite(tensors: readonly tf.Tensor[]): tf.Tensor {
  const each = tensors.map((tensor) => tf.all(tf.isFinite(tensor)));
  return each.reduce((a, b) => tf.logicalAnd(a, b), tf.scalar(true, "bool"));
}
