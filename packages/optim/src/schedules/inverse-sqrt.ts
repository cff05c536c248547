import type { ISchedule } from "@pipe/core";
import { checkSchedule, warmUp, type WarmupOptions } from "./warm-up.ts";

/** A warm-up, then a fall that never ends. */
export type InverseSqrtOptions = WarmupOptions & {
  /** Updates after which the rate has fallen by √2; default `warmup`, and 10,000 without one. */
  readonly timescale?: number;
};

/** A fall with the inverse square root of the updates (Vaswani et al., 2017), which needs no known end. @throws PipeError `schedule-invalid`. */
export function inverseSqrtSchedule(options: InverseSqrtOptions): ISchedule {
  checkSchedule(options);
  const { rate, warmup = 0 } = options;
  const timescale = options.timescale || warmup || 10_000;
  const rising = warmUp(options);
  return {
    rate: (applied) => rising(applied) ?? rate / Math.sqrt((applied + timescale - warmup) / timescale),
  };
}
