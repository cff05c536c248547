import * as tf from "@pipe/graph/tf";
import { average, checkOptions, type UpdateInputs } from "./update-each.ts";

/** Settings of the Adam family; the learning rate comes from the schedule. */
export type AdamSettings = {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
};

/** @throws PipeError `optimizer-invalid`. */
export function checkAdam(optimizer: string, settings: AdamSettings): void {
  const { beta1, beta2, epsilon, weightDecay } = settings;
  checkOptions(
    optimizer,
    beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && epsilon > 0 && weightDecay >= 0,
    "0 ≤ beta1 < 1, 0 ≤ beta2 < 1, epsilon > 0, weightDecay ≥ 0",
    settings,
  );
}

/**
 * The step of Adam: both corrections of rate · m̂ / (√v̂ + ε) are moved into two scalars, so that each element has less to
 * do. Returns a function from a gradient and its slots to what is subtracted and the new slots.
 */
export function adamStep({ rate, count }: UpdateInputs, { beta1, beta2, epsilon }: AdamSettings) {
  const updates = tf.add(tf.cast(count, "float32"), 1);
  const root = tf.sqrt(biasCorrection(beta2, updates));
  const stepSize = tf.div(tf.mul(rate, root), biasCorrection(beta1, updates));
  const floor = tf.mul(root, epsilon);
  return (gradient: tf.Tensor, slots: { readonly [slot: string]: tf.Tensor }) => {
    const m = average(slots["m"]!, gradient, beta1);
    const v = average(slots["v"]!, tf.square(gradient), beta2);
    return { step: tf.div(tf.mul(m, stepSize), tf.add(tf.sqrt(v), floor)), slots: { m, v } };
  };
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
