import type { ForwardContext } from "@pipe/core";
import { defineComposite } from "../composite.ts";
import * as tf from "../tf.ts";
import { randomMask } from "./random-mask.ts";

const op = defineComposite({
  name: "dropout",
  infer: ([x]) => [x!],
  decompose: ([x, seed], { rate, place }) => {
    const mask = randomMask(seed!, place as number, x!.shape, rate as number);
    return [tf.mul(x!, tf.mul(mask, 1 / (1 - (rate as number))))];
  },
  gradient: ([dy], { inputs: [, seed] }, attributes) => [op([dy!, seed!], attributes)[0]!, undefined],
});

/**
 * Sets a share of the elements to 0 and scales the others by 1 / (1 - rate) while `context.training` (Srivastava et
 * al., 2014); the identity otherwise.
 *
 * The mask is a function of the seed, the place of the call and the element, the same on every engine; the backward pass
 * computes it again. `rate` in [0, 1) is rounded to a multiple of 1/4096.
 */
export function dropout(x: tf.Tensor, rate: number, context: ForwardContext): tf.Tensor {
  if (!context.training || rate === 0) return x;
  return op([x, context.seed], { rate, place: context.place() })[0]!;
}
