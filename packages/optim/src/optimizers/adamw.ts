import type { IOptimizer, ParameterSpec, SlotSpec } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { type AdamSettings, adamStep, checkAdam } from "./adam-step.ts";
import { decaying, updateEach, zeroSlots } from "./update-each.ts";

/** Settings of AdamW; the learning rate comes from the schedule. */
export type AdamWOptions = {
  /** Decay of the mean of gradients; default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients; default 0.95. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Share of a decaying parameter that one update at rate 1 removes; default 0.1. */
  readonly weightDecay?: number;
};

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as PyTorch computes it.
 *
 * Slots: `m` and `v`, float32 like the parameter. Parameters decay where their spec says so.
 * @throws PipeError `optimizer-invalid`.
 */
export class AdamWOptimizer implements IOptimizer {
  readonly #settings: AdamSettings;
  readonly #decays: ReadonlySet<string>;

  /** @param parameters whose specs say which of them decay. */
  constructor(parameters: readonly ParameterSpec[], options: AdamWOptions = {}) {
    this.#settings = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, ...options };
    checkAdam("AdamW", this.#settings);
    this.#decays = decaying(parameters, this.#settings.weightDecay);
  }

  slots(parameter: ParameterSpec): readonly SlotSpec[] {
    return zeroSlots(parameter, ["m", "v"]);
  }

  update(inputs: Parameters<IOptimizer["update"]>[0]): ReturnType<IOptimizer["update"]> {
    const { weightDecay } = this.#settings;
    const stepOf = adamStep(inputs, this.#settings);
    const kept = tf.sub(1, tf.mul(inputs.rate, weightDecay));
    return updateEach(inputs, this.#decays, ({ parameter, gradient, slots, decays }) => {
      const { step, slots: next } = stepOf(gradient, slots);
      const decayed = decays ? tf.mul(parameter, kept) : parameter;
      return { parameter: tf.sub(decayed, step), slots: next };
    });
  }
}
