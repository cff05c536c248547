import type { CompileOptions, IGradientProcessor, SlotSpec } from "@pipe/core";
import { PipeError } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/** How a step is computed, and how the loss is scaled. */
export type MixedPrecisionOptions = {
  /** Arithmetic of matrix products; everything else, the master weights among it, is float32. */
  readonly precision: NonNullable<CompileOptions["precision"]>;
  /** First factor of the loss with `fp16`; default 65,536. */
  readonly initialScale?: number;
  /** Accepted updates in a row after which the factor doubles; default 2,000. */
  readonly growthInterval?: number;
};

const SCALE = "lossScale";
const ACCEPTED = "lossScaleAccepted";

/**
 * Mixed precision training (Micikevicius et al., 2018): products of short floats, all else float32. With `fp16`, whose
 * smallest numbers are larger than many gradients, the loss is multiplied by a factor that finds its size by itself: it is
 * halved with each update that overflows, which is skipped and does not advance the schedule, and doubled after
 * `growthInterval` accepted ones in a row, as PyTorch's GradScaler does. `bf16` has float32's range and needs no factor.
 *
 * Slots with `fp16`: `lossScale` and `lossScaleAccepted`, float32 scalars, stored with the state.
 * @throws PipeError `precision-invalid`.
 */
export class MixedPrecisionManager implements IGradientProcessor {
  /** What the step is compiled with. */
  readonly precision: MixedPrecisionOptions["precision"];
  readonly lossScale?: string;
  readonly #gradients: IGradientProcessor;
  readonly #initialScale: number;
  readonly #growthInterval: number;

  /** @param gradients what tames the gradients after they have their own size again. */
  constructor(gradients: IGradientProcessor, options: MixedPrecisionOptions) {
    const { precision, initialScale = 65_536, growthInterval = 2000 } = options;
    if (
      !(initialScale >= 1 && Number.isFinite(initialScale)) ||
      !Number.isInteger(growthInterval) ||
      growthInterval < 1
    ) {
      throw new PipeError("precision-invalid", "The scaling of the loss is out of range.", {
        expected: "initialScale ≥ 1, growthInterval a positive integer",
        got: JSON.stringify({ initialScale, growthInterval }),
      });
    }
    this.precision = precision;
    if (precision === "fp16") this.lossScale = SCALE;
    this.#gradients = gradients;
    this.#initialScale = initialScale;
    this.#growthInterval = growthInterval;
  }

  slots(): readonly SlotSpec[] {
    const inner = this.#gradients.slots?.() ?? [];
    if (this.lossScale === undefined) return inner;
    const scalar = (name: string, init: SlotSpec["init"]): SlotSpec => ({ name, shape: [], dtype: "float32", init });
    return [...inner, scalar(SCALE, this.#initialScale), scalar(ACCEPTED, 0)];
  }

  process(step: Parameters<IGradientProcessor["process"]>[0]): ReturnType<IGradientProcessor["process"]> {
    if (this.lossScale === undefined) return this.#gradients.process(step);
    const { [SCALE]: scale, [ACCEPTED]: accepted, ...slots } = step.slots;
    const inverse = tf.reciprocal(scale!);
    const grads = Object.fromEntries(Object.entries(step.grads).map(([name, grad]) => [name, tf.mul(grad, inverse)]));
    const processed = this.#gradients.process({ ...step, grads, slots });
    const { accept } = processed;
    const inRow = tf.where(accept, tf.add(accepted!, 1), tf.zerosLike(accepted!));
    const isGrown = tf.greaterEqual(inRow, this.#growthInterval);
    const next = tf.where(accept, tf.where(isGrown, tf.mul(scale!, 2), scale!), tf.maximum(tf.mul(scale!, 0.5), 1));
    return {
      ...processed,
      always: { ...processed.always, [SCALE]: next, [ACCEPTED]: tf.where(isGrown, tf.zerosLike(inRow), inRow) },
    };
  }
}
