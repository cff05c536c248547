import type { IOptimizer, ParameterSpec, SlotSpec } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { checkOptions, decaying, updateEach, zeroSlots } from "./update-each.ts";

/** Settings of SGD; the learning rate comes from the schedule. The defaults are PyTorch's. */
export type SgdOptions = {
  /** Share of the former step that goes on; default 0, which keeps no state. */
  readonly momentum?: number;
  /** Share of the gradient that does not enter the momentum; default 0. */
  readonly dampening?: number;
  /** Looks ahead along the momentum (Sutskever et al., 2013); default false. */
  readonly nesterov?: boolean;
  /** Added to the gradient of a decaying parameter, times the parameter (L2); default 0. */
  readonly weightDecay?: number;
};

/**
 * Stochastic gradient descent, as PyTorch computes it: the first momentum is the gradient itself, without dampening.
 *
 * Slot: `momentum`, float32 like the parameter, where there is momentum. Parameters decay where their spec says so.
 * @throws PipeError `optimizer-invalid`.
 */
export class SgdOptimizer implements IOptimizer {
  readonly #options: Required<SgdOptions>;
  readonly #decays: ReadonlySet<string>;

  /** @param parameters whose specs say which of them decay. */
  constructor(parameters: readonly ParameterSpec[], options: SgdOptions = {}) {
    this.#options = { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0, ...options };
    const { momentum, dampening, nesterov, weightDecay } = this.#options;
    checkOptions(
      "SGD",
      momentum >= 0 && momentum < 1 && dampening >= 0 && dampening <= 1 && weightDecay >= 0,
      "0 ≤ momentum < 1, 0 ≤ dampening ≤ 1, weightDecay ≥ 0",
      this.#options,
    );
    const looksAhead = !nesterov || (momentum > 0 && dampening === 0);
    checkOptions("SGD", looksAhead, "with nesterov: momentum > 0, dampening 0", this.#options);
    this.#decays = decaying(parameters, weightDecay);
  }

  slots(parameter: ParameterSpec): readonly SlotSpec[] {
    return this.#options.momentum === 0 ? [] : zeroSlots(parameter, ["momentum"]);
  }

  update(inputs: Parameters<IOptimizer["update"]>[0]): ReturnType<IOptimizer["update"]> {
    const { momentum, dampening, nesterov, weightDecay } = this.#options;
    const { rate, count } = inputs;
    const share = dampening === 0 ? undefined : tf.where(tf.equal(count, 0), tf.scalar(1), tf.scalar(1 - dampening));
    return updateEach(inputs, this.#decays, ({ parameter, gradient, slots, decays }) => {
      const whole = decays ? tf.add(gradient, tf.mul(parameter, weightDecay)) : gradient;
      if (momentum === 0) return { parameter: tf.sub(parameter, tf.mul(whole, rate)), slots: {} };
      const fresh = share === undefined ? whole : tf.mul(whole, share);
      const moving = tf.add(tf.mul(slots["momentum"]!, momentum), fresh);
      const direction = nesterov ? tf.add(whole, tf.mul(moving, momentum)) : moving;
      return { parameter: tf.sub(parameter, tf.mul(direction, rate)), slots: { momentum: moving } };
    });
  }
}
