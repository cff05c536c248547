import type { IOptimizer, ParameterSpec, Params, Slots, SlotSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

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
  readonly #options: Required<AdamWOptions>;
  readonly #decays: ReadonlySet<string>;

  /** @param parameters whose specs say which of them decay. */
  constructor(parameters: readonly ParameterSpec[], options: AdamWOptions = {}) {
    this.#options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, ...options };
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && epsilon > 0 && weightDecay >= 0)) {
      throw new PipeError("optimizer-invalid", "AdamW's settings are out of range.", {
        expected: "0 ≤ beta1 < 1, 0 ≤ beta2 < 1, epsilon > 0, weightDecay ≥ 0",
        got: JSON.stringify(this.#options),
      });
    }
    this.#decays = new Set(parameters.filter(({ decay }) => decay).map(({ name }) => name));
  }

  slots({ shape }: ParameterSpec): readonly SlotSpec[] {
    return ["m", "v"].map((name) => ({ name, shape, dtype: "float32", init: "zeros" }));
  }

  update({ params, grads, slots, rate, count }: Parameters<IOptimizer["update"]>[0]): { params: Params; slots: Slots } {
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    const updates = tf.add(tf.cast(count, "float32"), 1);
    // rate · m̂ / (√v̂ + ε) with both corrections moved into two scalars, so that each element has less to do.
    const root = tf.sqrt(biasCorrection(beta2, updates));
    const stepSize = tf.div(tf.mul(rate, root), biasCorrection(beta1, updates));
    const floor = tf.mul(root, epsilon);
    const kept = tf.sub(1, tf.mul(rate, weightDecay));
    const next = { params: {} as { [name: string]: tf.Tensor }, m: {} as typeof params, v: {} as typeof params };
    for (const [name, parameter] of Object.entries(params)) {
      const gradient = grads[name]!;
      const m = tf.add(tf.mul(slots["m"]![name]!, beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(tf.mul(slots["v"]![name]!, beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const step = tf.div(tf.mul(m, stepSize), tf.add(tf.sqrt(v), floor));
      const decayed = weightDecay > 0 && this.#decays.has(name) ? tf.mul(parameter, kept) : parameter;
      next.params[name] = tf.sub(decayed, step);
      (next.m as { [name: string]: tf.Tensor })[name] = m;
      (next.v as { [name: string]: tf.Tensor })[name] = v;
    }
    return { params: next.params, slots: { m: next.m, v: next.v } };
  }
}

/**
 * 1 - betaᵗ without cancellation: -expm1(x) = -tanh(x / 2) (eˣ + 1) with x = t ln beta, which keeps all digits of
 * float32 where beta is close to 1.
 */
function biasCorrection(beta: number, updates: tf.Tensor): tf.Tensor {
  if (beta === 0) return tf.onesLike(updates);
  const x = tf.mul(updates, Math.log(beta));
  return tf.neg(tf.mul(tf.tanh(tf.mul(x, 0.5)), tf.add(tf.exp(x), 1)));
}
