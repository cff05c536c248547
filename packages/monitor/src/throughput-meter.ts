import type { StepReport } from "@pipe/core";
import type { MetricPoint } from "./metrics-collector.ts";

/** Steps that are shorter are measured together: clocks of logs count in whole milliseconds. */
const LEAST_MS = 500;
/** Before a pause less must do, but a few clock ticks are no measurement. */
const LEAST_BEFORE_PAUSE_MS = 20;

/** Measures targets a second from the times at which steps ended, and how long a run was under way. */
export class ThroughputMeter {
  #ms = 0;
  /** Milliseconds under way since the run was started or resumed. */
  #segment = 0;
  #seen: number | undefined;
  /** Where the present measurement began; none before the first step, which may hold compilation. */
  #since: number | undefined;
  #tokens = 0;
  #step = 0;

  /** Seconds in which the run was under way. */
  get seconds(): number {
    return this.#ms / 1000;
  }

  /** Begins a part of the run: what passed since the part before is no time of training. */
  start(time: number): void {
    this.#seen = time;
    this.#segment = 0;
    this.#since = undefined;
    this.#tokens = 0;
  }

  /** Takes a step; the figure is there when half a second is over. */
  step({ step, batchTokens }: StepReport, time: number): readonly MetricPoint[] {
    this.#see(time);
    if (this.#since === undefined) {
      this.#since = time;
      return [];
    }
    this.#tokens += batchTokens;
    this.#step = step;
    return time - this.#since >= LEAST_MS ? this.#measure(time) : [];
  }

  /** Ends a measurement before what follows the newest step: an evaluation is no part of a step. */
  pause(time: number): readonly MetricPoint[] {
    const ended = this.#seen;
    this.#see(time);
    if (this.#since === undefined || ended === undefined) return [];
    const points = this.#tokens > 0 && ended - this.#since >= LEAST_BEFORE_PAUSE_MS ? this.#measure(ended) : [];
    this.#since = time;
    this.#tokens = 0;
    return points;
  }

  /** Mean duration of the steps since the start, what happened between them included. */
  secondsPerStep(steps: number): number | undefined {
    return steps > 0 && this.#segment > 0 ? this.#segment / 1000 / steps : undefined;
  }

  #measure(time: number): readonly MetricPoint[] {
    const value = (1000 * this.#tokens) / (time - this.#since!);
    this.#since = time;
    this.#tokens = 0;
    return [{ name: "tokensPerSecond", step: this.#step, value }];
  }

  #see(time: number): void {
    const passed = this.#seen === undefined ? 0 : Math.max(0, time - this.#seen);
    this.#ms += passed;
    this.#segment += passed;
    this.#seen = time;
  }
}
