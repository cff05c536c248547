import type { EventMap, IEventBus, IMonitor, StepReport } from "@pipe/core";
import { endAll } from "./run-event.ts";

/** How fast a run is; null where it is not known yet. */
export type PerformanceSnapshot = {
  /** The newest step, 0 before the first. */
  readonly step: number;
  /** Targets trained on, all in all. */
  readonly tokens: number;
  readonly tokensPerSecond: number | null;
  readonly medianStepMs: number | null;
  readonly p95StepMs: number | null;
  /** 10⁹ floating-point operations a second. */
  readonly gflopsPerSecond: number | null;
  /** Seconds until the budget is used up, pauses for evaluation and the like included. */
  readonly etaSeconds: number | null;
};

type StepTime = { readonly ms: number; readonly tokens: number };

const windowSize = 100;

/**
 * Measures the speed of a run from its events, over its last 100 steps.
 *
 * A step lasts from the end of the one before, or of the evaluation, sample, checkpoint or index update in between, to
 * its own end. The first step counts for nothing: it may hold compilation. The time left counts on as many pauses a step
 * as there have been.
 */
export class PerformanceTracker implements IMonitor {
  readonly #now: () => number;
  #run: Partial<EventMap["run-started"]> = {};
  #report: StepReport | undefined;
  /** When the present step began. */
  #since: number | undefined;
  #window: StepTime[] = [];
  #steps = 0;
  #pausedMs = 0;

  /** @param options.now a clock in ms; default `performance.now`. */
  constructor({ now = () => performance.now() }: { readonly now?: () => number } = {}) {
    this.#now = now;
  }

  attach(bus: IEventBus): Disposable {
    const pause = (): void => this.#pause();
    return endAll([
      bus.on("run-started", (run) => this.#start(run)),
      bus.on("run-resumed", () => this.#start(this.#run)),
      bus.on("step-ended", (report) => this.#step(report)),
      bus.on("evaluation-ended", pause),
      bus.on("sample-generated", pause),
      bus.on("checkpoint-saved", pause),
      bus.on("checkpoint-failed", pause),
      bus.on("index-updated", pause),
    ]);
  }

  snapshot(): PerformanceSnapshot {
    const ms = this.#window.map((step) => step.ms).sort((a, b) => a - b);
    const total = ms.reduce((sum, value) => sum + value, 0);
    const known = total > 0;
    const stepsPerSecond = (1000 * ms.length) / total;
    const tokensPerStep = this.#window.reduce((sum, { tokens }) => sum + tokens, 0) / ms.length;
    const { flopsPerStep } = this.#run;
    return {
      step: this.#report?.step ?? 0,
      tokens: this.#report?.tokens ?? 0,
      tokensPerSecond: known ? tokensPerStep * stepsPerSecond : null,
      medianStepMs: known ? median(ms) : null,
      p95StepMs: known ? ms[Math.ceil(0.95 * ms.length) - 1]! : null,
      gflopsPerSecond: known && flopsPerStep !== undefined ? (flopsPerStep * stepsPerSecond) / 1e9 : null,
      etaSeconds: known ? this.#eta(total / ms.length, tokensPerStep) : null,
    };
  }

  #start(run: Partial<EventMap["run-started"]>): void {
    this.#run = run;
    this.#report = undefined;
    this.#since = undefined;
    this.#window = [];
    this.#steps = 0;
    this.#pausedMs = 0;
  }

  #step(report: StepReport): void {
    const now = this.#now();
    if (this.#since !== undefined) {
      this.#steps++;
      this.#window.push({ ms: now - this.#since, tokens: report.batchTokens });
      if (this.#window.length > windowSize) this.#window.shift();
    }
    this.#since = now;
    this.#report = report;
  }

  #pause(): void {
    if (this.#since === undefined) return;
    const now = this.#now();
    this.#pausedMs += now - this.#since;
    this.#since = now;
  }

  /** Whichever budget is used up first ends the run. */
  #eta(stepMs: number, tokensPerStep: number): number | null {
    const { steps, tokens } = this.#run;
    const report = this.#report!;
    const left = Math.min(
      steps === undefined ? Infinity : steps - report.step,
      tokens === undefined ? Infinity : Math.ceil((tokens - report.tokens) / tokensPerStep),
    );
    // Spread over a whole window at least: one evaluation right after the start is not one a step.
    const pausedMs = this.#pausedMs / Math.max(this.#steps, windowSize);
    return Number.isFinite(left) ? (Math.max(0, left) * (stepMs + pausedMs)) / 1000 : null;
  }
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
