import { defineComposite } from "../composite.ts";
import type * as tf from "../tf.ts";

const op = defineComposite({
  name: "barrier",
  infer: ([value]) => [value!],
  decompose: ([value]) => [value!],
  gradient: ([dy], { inputs }) => [dy, ...inputs.slice(1).map(() => undefined)],
});

/**
 * `value`, which an engine must not compute before all of `after` are there: what needs it runs later, and is never
 * merged with the same work on the value itself. It orders work to save memory. No gradient goes to `after`.
 */
export function barrier<T extends tf.Tensor>(value: T, after: readonly tf.Tensor[]): T {
  return op([value, ...after])[0] as T;
}
