import type { IOptimizer, ParameterSpec, SlotSpec } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { type AdamSettings, adamStep, checkAdam } from "./adam-step.ts";
import { decaying, updateEach, zeroSlots } from "./update-each.ts";

/** Settings of Adam; the learning rate comes from the schedule. The defaults are PyTorch's. */
export type AdamOptions = {
  /** Decay of the mean of gradients; default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients; default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Added to the gradient of a decaying parameter, times the parameter (L2); default 0. */
  readonly weightDecay?: number;
};

/**
 * Adam (Kingma and Ba, 2015), as PyTorch computes it: weight decay is part of the gradient, unlike in AdamW.
 *
 * Slots: `m` and `v`, float32 like the parameter. Parameters decay where their spec says so.
 * @throws PipeError `optimizer-invalid`.
 */
export class AdamOptimizer implements IOptimizer {
  readonly #settings: AdamSettings;
  readonly #decays: ReadonlySet<string>;

  /** @param parameters whose specs say which of them decay. */
  constructor(parameters: readonly ParameterSpec[], options: AdamOptions = {}) {
    this.#settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, ...options };
    checkAdam("Adam", this.#settings);
    this.#decays = decaying(parameters, this.#settings.weightDecay);
  }

  slots(parameter: ParameterSpec): readonly SlotSpec[] {
    return zeroSlots(parameter, ["m", "v"]);
  }

  update(inputs: Parameters<IOptimizer["update"]>[0]): ReturnType<IOptimizer["update"]> {
    const { weightDecay } = this.#settings;
    const stepOf = adamStep(inputs, this.#settings);
    return updateEach(inputs, this.#decays, ({ parameter, gradient, slots, decays }) => {
      const whole = decays ? tf.add(gradient, tf.mul(parameter, weightDecay)) : gradient;
      const { step, slots: next } = stepOf(whole, slots);
      return { parameter: tf.sub(parameter, step), slots: next };
    });
  }
}
