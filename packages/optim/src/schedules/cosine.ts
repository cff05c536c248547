import type { ISchedule } from "@pipe/core";
import { type DecayOptions, decaySchedule } from "./decay.ts";

/** A warm-up, then half a cosine; the default of `minimum` is a tenth of `rate`. */
export type CosineOptions = DecayOptions;

/** Half a cosine from the rate to the minimum (Loshchilov and Hutter, 2017). @throws PipeError `schedule-invalid`. */
export function cosineSchedule(options: CosineOptions): ISchedule {
  return decaySchedule({ minimum: options.rate / 10, ...options }, "cosine", options.warmup ?? 0);
}
