import type { IOptimizer, ParameterSpec, SlotSpec } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { checkOptions, decaying, updateEach } from "./update-each.ts";

/** Settings of Adafactor; the learning rate comes from the schedule. The defaults are PyTorch's. */
export type AdafactorOptions = {
  /** Power of the number of updates at which the mean of squared gradients forgets; default -0.8. */
  readonly decay?: number;
  /** Root mean square that a step may have before it is scaled by the parameter; larger ones are scaled down. Default 1. */
  readonly threshold?: number;
  /** Smallest root mean square of a parameter that its steps are scaled by; default 1e-3. */
  readonly scale?: number;
  /** Share of a decaying parameter that one update at rate 1 removes; default 0. */
  readonly weightDecay?: number;
};

/** Smallest second moment, and smallest mean of one: float32's own precision. */
const epsilon = 2 ** -23;

/**
 * Adafactor (Shazeer and Stern, 2018), as PyTorch computes it: a matrix keeps the mean of its squared gradients by row and by
 * column only, so that its state is a thousandth of Adam's; steps are scaled by the parameter's own size, and the rate is
 * at most 1/√t.
 *
 * Slots: `row` and `column` for matrices, `v` for vectors.
 * @throws PipeError `optimizer-invalid`.
 */
export class AdafactorOptimizer implements IOptimizer {
  readonly #options: Required<AdafactorOptions>;
  readonly #decays: ReadonlySet<string>;

  /** @param parameters whose specs say which of them decay. */
  constructor(parameters: readonly ParameterSpec[], options: AdafactorOptions = {}) {
    this.#options = { decay: -0.8, threshold: 1, scale: 1e-3, weightDecay: 0, ...options };
    const { decay, threshold, scale, weightDecay } = this.#options;
    checkOptions(
      "Adafactor",
      decay < 0 && threshold > 0 && scale > 0 && weightDecay >= 0,
      "decay < 0, threshold > 0, scale > 0, weightDecay ≥ 0",
      this.#options,
    );
    this.#decays = decaying(parameters, weightDecay);
  }

  slots({ shape }: ParameterSpec): readonly SlotSpec[] {
    const slot = (name: string, size: readonly number[]): SlotSpec => ({
      name,
      shape: size,
      dtype: "float32",
      init: "zeros",
    });
    if (shape.length !== 2) return [slot("v", shape)];
    return [slot("row", [shape[0]!, 1]), slot("column", [1, shape[1]!])];
  }

  update(inputs: Parameters<IOptimizer["update"]>[0]): ReturnType<IOptimizer["update"]> {
    const { decay, threshold, scale, weightDecay } = this.#options;
    const updates = tf.add(tf.cast(inputs.count, "float32"), 1);
    const share = tf.exp(tf.mul(tf.log(updates), decay));
    const rate = tf.minimum(inputs.rate, tf.rsqrt(updates));
    const kept = tf.sub(1, tf.mul(inputs.rate, weightDecay));
    const mean = (old: tf.Tensor, value: tf.Tensor): tf.Tensor => tf.add(old, tf.mul(tf.sub(value, old), share));
    return updateEach(inputs, this.#decays, ({ parameter, gradient, slots, decays }) => {
      // The size is that before the decay.
      const size = tf.maximum(rootMeanSquare(parameter), scale);
      const squared = tf.square(gradient);
      const { row, column, v } = slots;
      const next: { [slot: string]: tf.Tensor } =
        row === undefined || column === undefined
          ? { v: mean(v!, squared) }
          : { row: mean(row, tf.mean(squared, 1, true)), column: mean(column, tf.mean(squared, 0, true)) };
      const step = tf.mul(gradient, tf.rsqrt(tf.maximum(estimate(next), epsilon ** 2)));
      const clipped = tf.div(step, tf.maximum(tf.div(rootMeanSquare(step), threshold), 1));
      const decayed = decays ? tf.mul(parameter, kept) : parameter;
      return { parameter: tf.sub(decayed, tf.mul(clipped, tf.mul(size, rate))), slots: next };
    });
  }
}

/** The second moments of all elements: of a matrix the product of rows and columns, over the mean of the rows. */
function estimate({ row, column, v }: { readonly [slot: string]: tf.Tensor }): tf.Tensor {
  if (row === undefined || column === undefined) return v!;
  return tf.div(tf.mul(row, column), tf.maximum(tf.mean(row), epsilon));
}

function rootMeanSquare(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.mean(tf.square(x)));
}
