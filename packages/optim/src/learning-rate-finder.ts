import { PipeError } from "@pipe/core";
import { smoothed, steepest } from "./smooth-curve.ts";

/** A training whose rate can be tried. */
export type LearningRateTrial = {
  /** Takes one step on the next batch at this rate. The loss is that before the update, in nats a token. */
  step(rate: number): Promise<{ readonly loss: number; readonly accepted: boolean }>;
  /** Keeps all that `step` changes; the result puts it back. Left out where the training is thrown away afterwards. */
  save?(): Promise<() => Promise<void>>;
};

/** How far and how finely to look. */
export type LearningRateFinderOptions = {
  /** First rate; default 1e-6. */
  readonly from?: number;
  /** Last rate; default 1. */
  readonly to?: number;
  /** Steps, each at a rate that is larger by the same factor; default 100. */
  readonly steps?: number;
  /** The search ends where the smoothed loss is above this multiple of its lowest; default 1.5. */
  readonly divergence?: number;
};

/** One step of the search. */
export type LearningRatePoint = { readonly rate: number; readonly loss: number };

/** What the search found. */
export type LearningRateReport = {
  /** Each step with its loss and the loss smoothed over its neighbours. */
  readonly points: readonly (LearningRatePoint & { readonly smoothed: number })[];
  /** A rate to train with: where the loss falls fastest, or a tenth of that of the lowest loss where it falls nowhere. */
  readonly suggestion: number;
  readonly by: "steepest" | "lowest";
  readonly ended: "completed" | "diverged" | "aborted";
};

/** Weight of the past in the running mean that tells divergence. */
const MEMORY = 0.8;

/**
 * Finds a learning rate by a range test (Smith, 2017): rates rise exponentially from step to step until the loss diverges,
 * and the one where it falls fastest is suggested. Afterwards the training is as it was before.
 */
export class LearningRateFinder {
  readonly #options: Required<LearningRateFinderOptions>;

  /** @throws PipeError `finder-invalid`. */
  constructor(options: LearningRateFinderOptions = {}) {
    this.#options = { from: 1e-6, to: 1, steps: 100, divergence: 1.5, ...options };
    const { from, to, steps, divergence } = this.#options;
    if (from > 0 && to > from && to < Infinity && Number.isSafeInteger(steps) && steps >= 10 && divergence > 1) return;
    throw new PipeError("finder-invalid", "The settings of the search are out of range.", {
      expected: "0 < from < to, steps an integer from 10 on, divergence > 1",
      got: JSON.stringify(this.#options),
    });
  }

  /**
   * Runs the search; an abort ends it with what is known.
   * @param onPoint is called after each step.
   * @throws PipeError `rate-not-found` where the first few steps diverge already; the training is put back also then.
   */
  async find(
    trial: LearningRateTrial,
    { signal, onPoint }: { readonly signal?: AbortSignal; readonly onPoint?: (point: LearningRatePoint) => void } = {},
  ): Promise<LearningRateReport> {
    const restore = await trial.save?.();
    try {
      const points: LearningRatePoint[] = [];
      const ended = await this.#climb(trial, points, signal, onPoint);
      return reportOf(points, ended);
    } finally {
      await restore?.();
    }
  }

  async #climb(
    trial: LearningRateTrial,
    points: LearningRatePoint[],
    signal: AbortSignal | undefined,
    onPoint: ((point: LearningRatePoint) => void) | undefined,
  ): Promise<LearningRateReport["ended"]> {
    const { from, to, steps, divergence } = this.#options;
    let [mean, weight, lowest] = [0, 0, Infinity];
    for (let i = 0; i < steps; i++) {
      if (signal?.aborted === true) return "aborted";
      const rate = from * (to / from) ** (i / (steps - 1));
      const { loss, accepted } = await trial.step(rate);
      if (!accepted || !Number.isFinite(loss)) return "diverged";
      const point = { rate, loss };
      points.push(point);
      onPoint?.(point);
      [mean, weight] = [MEMORY * mean + (1 - MEMORY) * loss, MEMORY * weight + (1 - MEMORY)];
      lowest = Math.min(lowest, mean / weight);
      if (mean / weight > divergence * lowest) return "diverged";
    }
    return "completed";
  }
}

function reportOf(points: readonly LearningRatePoint[], ended: LearningRateReport["ended"]): LearningRateReport {
  if (points.length < 5) {
    throw new PipeError("rate-not-found", "The search ended before there was anything to see.", {
      expected: "at least 5 steps with a finite loss",
      got: `${points.length}, then it ${ended}`,
      fix: ended === "diverged" ? "begin with a smaller rate" : "let it run longer",
    });
  }
  const curve = smoothed(points.map(({ loss }) => loss));
  const lowest = curve.indexOf(Math.min(...curve));
  const fastest = steepest(curve.slice(0, lowest + 1));
  return {
    points: points.map((point, i) => ({ ...point, smoothed: curve[i]! })),
    suggestion: fastest === undefined ? points[lowest]!.rate / 10 : points[fastest]!.rate,
    by: fastest === undefined ? "lowest" : "steepest",
    ended,
  };
}
