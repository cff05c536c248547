import type { IGradientProcessor, Params } from "@pipe/core";
import { PipeError } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/** How gradients are tamed. */
export type GradientProcessorOptions = {
  /** Largest norm of all gradients together; larger ones are scaled down to it. `null` (default) leaves them. */
  readonly clip?: number | null;
};

/**
 * Makes the gradient of the mean loss, clips its global norm (Pascanu et al., 2013) as PyTorch does, and refuses an
 * update whose gradient is not finite.
 * @throws PipeError `clip-invalid`.
 */
export class GradientProcessor implements IGradientProcessor {
  readonly #clip: number | null;

  constructor({ clip = null }: GradientProcessorOptions = {}) {
    if (clip !== null && !(clip > 0)) {
      throw new PipeError("clip-invalid", "The norm to clip to must be positive, or null for none.", {
        got: String(clip),
      });
    }
    this.#clip = clip;
  }

  process({
    grads,
    weight,
    slots,
  }: Parameters<IGradientProcessor["process"]>[0]): ReturnType<IGradientProcessor["process"]> {
    const squares = Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)));
    const norm = tf.div(tf.sqrt(squares.reduce((a, b) => tf.add(a, b))), weight);
    // PyTorch adds 1e-6 to the norm.
    const factor = this.#clip === null ? tf.scalar(1) : tf.minimum(1, tf.div(this.#clip, tf.add(norm, 1e-6)));
    const scale = tf.div(factor, weight);
    const scaled: Params = Object.fromEntries(
      Object.entries(grads).map(([name, gradient]) => [name, tf.mul(gradient, scale)]),
    );
    return { grads: scaled, norm, accept: tf.isFinite(norm), slots };
  }
}
