import type { IOptimizer, ParameterSpec, SlotSpec } from "@pipe/core";
import * as tf from "@pipe/graph/tf";
import { type AdamSettings, adamStep, checkAdam } from "./adam-step.ts";
import { average, checkOptions, decaying, updateEach, zeroSlots } from "./update-each.ts";

/** Settings of Muon; the learning rate comes from the schedule and suits AdamW too. */
export type MuonOptions = {
  /** Decay of the mean of gradients; default 0.95. */
  readonly momentum?: number;
  /** Look one step ahead along the momentum; default true. */
  readonly nesterov?: boolean;
  /** Newton–Schulz iterations that make the step orthogonal; default 5. */
  readonly iterations?: number;
  /** Share of a decaying parameter that one update at rate 1 removes; default 0.1. */
  readonly weightDecay?: number;
  /** AdamW's settings for all other parameters; defaults 0.9, 0.95, 1e-8. */
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
};

/** Coefficients of the quintic iteration, which bring singular values near 1 fast rather than exactly (Jordan et al., 2024). */
const [A, B, C] = [3.4445, -4.775, 2.0315] as const;

/**
 * Muon (Jordan et al., 2024): matrices inside the blocks move along their momentum made orthogonal, so that all directions
 * count alike; embeddings, biases and gains are updated by AdamW. A matrix's step is scaled by 0.2 √(larger side), the size
 * of AdamW's, so that one schedule fits both (Liu et al., 2025, "Muon is Scalable for LLM Training").
 *
 * Slots: `momentum` for matrices, `m` and `v` for the others. The products are computed in the precision of the program.
 * @throws PipeError `optimizer-invalid`.
 */
export class MuonOptimizer implements IOptimizer {
  readonly #options: Required<Omit<MuonOptions, keyof AdamSettings>>;
  readonly #adam: AdamSettings;
  readonly #decays: ReadonlySet<string>;
  readonly #matrices: ReadonlySet<string>;

  /** @param parameters whose specs say which are matrices of a block, and which decay. */
  constructor(parameters: readonly ParameterSpec[], options: MuonOptions = {}) {
    const { momentum = 0.95, nesterov = true, iterations = 5, ...adam } = options;
    this.#options = { momentum, nesterov, iterations };
    this.#adam = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, ...adam };
    checkAdam("Muon", this.#adam);
    checkOptions(
      "Muon",
      momentum >= 0 && momentum < 1 && Number.isInteger(iterations) && iterations > 0 && iterations < 100,
      "0 ≤ momentum < 1, iterations a whole number from 1 to 99",
      this.#options,
    );
    this.#decays = decaying(parameters, this.#adam.weightDecay);
    this.#matrices = new Set(parameters.filter(isBlockMatrix).map(({ name }) => name));
  }

  slots(parameter: ParameterSpec): readonly SlotSpec[] {
    return zeroSlots(parameter, isBlockMatrix(parameter) ? ["momentum"] : ["m", "v"]);
  }

  update(inputs: Parameters<IOptimizer["update"]>[0]): ReturnType<IOptimizer["update"]> {
    const { momentum, nesterov, iterations } = this.#options;
    const kept = tf.sub(1, tf.mul(inputs.rate, this.#adam.weightDecay));
    const adam = adamStep(inputs, this.#adam);
    return updateEach(inputs, this.#decays, ({ name, parameter, gradient, slots, decays }) => {
      const decayed = decays ? tf.mul(parameter, kept) : parameter;
      if (!this.#matrices.has(name)) {
        const { step, slots: next } = adam(gradient, slots);
        return { parameter: tf.sub(decayed, step), slots: next };
      }
      const mean = average(slots["momentum"]!, gradient, momentum);
      const direction = orthogonal(nesterov ? average(gradient, mean, 1 - momentum) : mean, iterations);
      const scale = 0.2 * Math.sqrt(Math.max(...parameter.shape));
      return {
        parameter: tf.sub(decayed, tf.mul(direction, tf.mul(inputs.rate, scale))),
        slots: { momentum: mean },
      };
    });
  }
}

function isBlockMatrix({ shape, block }: ParameterSpec): boolean {
  return shape.length === 2 && block !== undefined;
}

/** A matrix with the same singular vectors and singular values near 1, by Newton and Schulz's iteration. */
function orthogonal(matrix: tf.Tensor, iterations: number): tf.Tensor {
  const [rows, columns] = matrix.shape as [number, number];
  // The product with the transpose is formed on the shorter side.
  const isTall = rows > columns;
  let x = tf.div(matrix, tf.maximum(tf.sqrt(tf.sum(tf.square(matrix))), 1e-7));
  for (let i = 0; i < iterations; i++) {
    const gram = tf.matMul(x, x, isTall, !isTall);
    const polynomial = tf.add(tf.mul(gram, B), tf.mul(tf.matMul(gram, gram), C));
    x = tf.add(tf.mul(x, A), isTall ? tf.matMul(x, polynomial) : tf.matMul(polynomial, x));
  }
  return x;
}
