import type { ISchedule } from "@pipe/core";
import { PipeError } from "@pipe/core";
import type { DecayOptions, decayShapes } from "./decay.ts";
import { decaySchedule } from "./decay.ts";

/** A warm-up, a stable rate, then a fall; the default of `minimum` is 0. */
export type WsdOptions = DecayOptions & {
  /** Updates of the fall, which ends at `steps`; default a fifth of them. */
  readonly decay?: number;
  /** How it falls; default `1-sqrt`, with which Hägele et al. (2024) came out best. */
  readonly shape?: keyof typeof decayShapes;
};

/**
 * Warm-up, stable, decay (Hu et al., 2024): the stable part may go on for as long as one likes, and a short fall from
 * any point of it gives a finished model.
 * @throws PipeError `schedule-invalid`, also where rise and fall need more updates than there are.
 */
export function wsdSchedule({ shape = "1-sqrt", decay, ...options }: WsdOptions): ISchedule {
  const { warmup = 0, steps } = options;
  const fall = decay ?? Math.round(steps / 5);
  if (!(fall >= 0 && warmup + fall <= steps)) {
    throw new PipeError("schedule-invalid", "Rise and fall of the schedule do not fit into its steps.", {
      expected: `0 ≤ decay, warmup + decay ≤ steps (${steps})`,
      got: `warmup: ${warmup}, decay: ${fall}`,
    });
  }
  return decaySchedule({ minimum: 0, ...options }, shape, steps - fall);
}
