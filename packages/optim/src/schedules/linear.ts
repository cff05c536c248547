import type { ISchedule } from "@pipe/core";
import { type DecayOptions, decaySchedule } from "./decay.ts";

/** A warm-up, then a straight line; the default of `minimum` is 0. */
export type LinearOptions = DecayOptions;

/** A straight line from the rate to the minimum. @throws PipeError `schedule-invalid`. */
export function linearSchedule(options: LinearOptions): ISchedule {
  return decaySchedule({ minimum: 0, ...options }, "linear", options.warmup ?? 0);
}
