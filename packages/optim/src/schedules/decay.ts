import type { ISchedule } from "@pipe/core";
import { checkSchedule, warmUp, type WarmupOptions } from "./warm-up.ts";

/** A warm-up, then a fall that ends at a known update. */
export type DecayOptions = WarmupOptions & {
  /** Update from which the rate stays at its minimum. */
  readonly steps: number;
  /** Lowest rate. */
  readonly minimum?: number;
};

/** How much is left of a fall, from 1 to 0, when a share of it is done. */
export const decayShapes = {
  linear: (done: number): number => 1 - done,
  cosine: (done: number): number => 0.5 * (1 + Math.cos(Math.PI * done)),
  "1-sqrt": (done: number): number => 1 - Math.sqrt(done),
} as const;

/** A warm-up, the full rate until `from`, then a fall of this shape until `steps`. */
export function decaySchedule(
  options: DecayOptions & { readonly minimum: number },
  shape: keyof typeof decayShapes,
  from: number,
): ISchedule {
  checkSchedule(options);
  const { rate, steps, minimum } = options;
  const rising = warmUp(options);
  return {
    rate: (applied) => {
      const early = rising(applied) ?? (applied < from ? rate : undefined);
      if (early !== undefined) return early;
      const done = Math.min(1, (applied - from) / Math.max(1, steps - from));
      return minimum + decayShapes[shape](done) * (rate - minimum);
    },
  };
}
