import type { ISchedule } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { decayShapes } from "./decay.ts";
import { checkSchedule } from "./warm-up.ts";

/** One rise and one fall over the whole run; the defaults are PyTorch's. */
export type OneCycleOptions = {
  /** Highest learning rate. */
  readonly rate: number;
  /** Updates of the cycle; the last of them gets the minimum. */
  readonly steps: number;
  /** Share of the steps in which the rate rises; default 0.3. */
  readonly rise?: number;
  /** Rate of the first update; default rate / 25. */
  readonly initial?: number;
  /** Rate of the last update; default initial / 10,000. */
  readonly minimum?: number;
  /** How the rate moves between these; default `cosine`. */
  readonly shape?: "cosine" | "linear";
  /** Whether the rate falls back to `initial` as it rose, and only then to the minimum; default false. */
  readonly threePhase?: boolean;
};

/** One cycle (Smith and Topin, 2018), as PyTorch's `OneCycleLR` computes it. @throws PipeError `schedule-invalid`. */
export function oneCycleSchedule(options: OneCycleOptions): ISchedule {
  checkSchedule(options);
  const { rate, steps, rise = 0.3, initial = rate / 25, shape = "cosine", threePhase = false } = options;
  const { minimum = initial / 1e4 } = options;
  if (rise > (threePhase ? 0.5 : 1)) {
    throw new PipeError("schedule-invalid", "The rise of a cycle takes too much of it.", {
      expected: threePhase ? "rise ≤ 0.5, as the fall to `initial` takes as long" : "rise ≤ 1",
      got: `rise: ${rise}`,
    });
  }
  const top = Math.max(0, rise * steps - 1);
  const end = Math.max(top, steps - 1);
  const phases = threePhase
    ? [
        { until: top, from: initial, to: rate },
        { until: Math.max(top, 2 * rise * steps - 2), from: rate, to: initial },
        { until: end, from: initial, to: minimum },
      ]
    : [
        { until: top, from: initial, to: rate },
        { until: end, from: rate, to: minimum },
      ];
  return {
    rate: (applied) => {
      let begin = 0;
      for (const { until, from, to } of phases) {
        if (applied < until) return to + decayShapes[shape]((applied - begin) / (until - begin)) * (from - to);
        begin = until;
      }
      return minimum;
    },
  };
}
