import type { ISchedule } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** A schedule that rises to its rate over the first updates. */
export type WarmupOptions = {
  /** Highest learning rate. */
  readonly rate: number;
  /** Updates of the rise: update i (from 0) gets rate · (i + 1) / (warmup + 1). Default 0. */
  readonly warmup?: number;
};

/** A warm-up, then half a cosine. */
export type CosineOptions = WarmupOptions & {
  /** Update from which the rate stays at its minimum. */
  readonly steps: number;
  /** Lowest rate; default a tenth of `rate`. */
  readonly minimum?: number;
};

/** The same rate after the warm-up. @throws PipeError `schedule-invalid`. */
export function constantSchedule({ rate, warmup = 0 }: WarmupOptions): ISchedule {
  check({ rate, warmup });
  return { rate: (applied) => warmed(applied, rate, warmup) ?? rate };
}

/** Half a cosine from the rate to the minimum (Loshchilov and Hutter, 2017). @throws PipeError `schedule-invalid`. */
export function cosineSchedule({ rate, warmup = 0, steps, minimum = rate / 10 }: CosineOptions): ISchedule {
  check({ rate, warmup, steps, minimum });
  return {
    rate: (applied) => {
      const rising = warmed(applied, rate, warmup);
      if (rising !== undefined) return rising;
      const done = Math.min(1, (applied - warmup) / Math.max(1, steps - warmup));
      return minimum + 0.5 * (1 + Math.cos(Math.PI * done)) * (rate - minimum);
    },
  };
}

function warmed(applied: number, rate: number, warmup: number): number | undefined {
  return applied < warmup ? (rate * (applied + 1)) / (warmup + 1) : undefined;
}

function check(values: { readonly [name: string]: number }): void {
  for (const [name, value] of Object.entries(values)) {
    if (value >= 0 && value < Infinity) continue;
    throw new PipeError("schedule-invalid", "A schedule's settings must be finite and not negative.", {
      got: `${name}: ${value}`,
    });
  }
}
