import type { IOptimizer, ParameterSpec, SlotSpec } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { average, checkOptions, decaying, updateEach, zeroSlots } from "./update-each.ts";

/** Settings of Lion; the learning rate comes from the schedule and is 3 to 10 times smaller than that of AdamW. */
export type LionOptions = {
  /** Decay of the mean in the direction of a step; default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean that is kept; default 0.99. */
  readonly beta2?: number;
  /** Share of a decaying parameter that one update at rate 1 removes; default 0.3, as the rate is smaller. */
  readonly weightDecay?: number;
};

/**
 * Lion (Chen et al., 2023): every element moves by the rate, in the direction of the sign of its mean gradient.
 *
 * Slot: `m`, float32 like the parameter: half the state of AdamW. Parameters decay where their spec says so.
 * @throws PipeError `optimizer-invalid`.
 */
export class LionOptimizer implements IOptimizer {
  readonly #options: Required<LionOptions>;
  readonly #decays: ReadonlySet<string>;

  /** @param parameters whose specs say which of them decay. */
  constructor(parameters: readonly ParameterSpec[], options: LionOptions = {}) {
    this.#options = { beta1: 0.9, beta2: 0.99, weightDecay: 0.3, ...options };
    const { beta1, beta2, weightDecay } = this.#options;
    checkOptions(
      "Lion",
      beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && weightDecay >= 0,
      "0 ≤ beta1 < 1, 0 ≤ beta2 < 1, weightDecay ≥ 0",
      this.#options,
    );
    this.#decays = decaying(parameters, weightDecay);
  }

  slots(parameter: ParameterSpec): readonly SlotSpec[] {
    return zeroSlots(parameter, ["m"]);
  }

  update(inputs: Parameters<IOptimizer["update"]>[0]): ReturnType<IOptimizer["update"]> {
    const { beta1, beta2, weightDecay } = this.#options;
    const { rate } = inputs;
    const kept = tf.sub(1, tf.mul(rate, weightDecay));
    return updateEach(inputs, this.#decays, ({ parameter, gradient, slots, decays }) => {
      const direction = tf.sign(average(slots["m"]!, gradient, beta1));
      const decayed = decays ? tf.mul(parameter, kept) : parameter;
      return {
        parameter: tf.sub(decayed, tf.mul(direction, rate)),
        slots: { m: average(slots["m"]!, gradient, beta2) },
      };
    });
  }
}
