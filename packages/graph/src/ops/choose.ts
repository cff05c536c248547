import { defineComposite } from "../composite.ts";
import * as tf from "../tf.ts";

const op = defineComposite({
  name: "choose",
  infer: ([, a]) => [a!],
  decompose: ([condition, a, b]) => [tf.where(condition!, a!, b!)],
});

/** `a` where the bool scalar `condition` holds, else `b`, of the same shape: elements of the other may be NaN. No gradient. */
export function choose(condition: tf.Tensor, a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return op([condition, a, b])[0]!;
}
