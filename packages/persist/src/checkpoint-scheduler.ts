import { PipeError, type CheckpointRef, type IStateful, type ITrigger, type Json, type Progress } from "@pipe/core";

/** When to save, and what to keep. The last step of a run is always saved. */
export type CheckpointSchedule = {
  /** Steps between two checkpoints; `null` (default) for none. */
  readonly every?: number | null;
  /** Minutes between two checkpoints, by `now`. */
  readonly everyMinutes?: number;
  /** Milliseconds of a clock, for `everyMinutes`. */
  readonly now?: () => number;
  /** How many of the newest checkpoints stay; all of them if it is left out. */
  readonly keepLast?: number;
  /** Checkpoints of steps that are multiples of this stay. */
  readonly keepEvery?: number;
  /** The checkpoint with the best value of this metric stays, and each new best is saved. */
  readonly keepBest?: { readonly metric: string; readonly better: "lower" | "higher" };
  /** Steps whose checkpoints are saved and stay. */
  readonly pinned?: readonly number[];
};

/** The best value of the metric so far. */
export type BestCheckpoint = { readonly step: number; readonly value: number };

/** Older states do not name the metric. */
type StoredState = { readonly best?: Partial<BestCheckpoint> | null; readonly metric?: string };

/**
 * Decides when a checkpoint is due and which ones are too many; it stores and removes nothing itself. Its state is the best
 * value so far, under the key `checkpoints`.
 */
export class CheckpointScheduler implements ITrigger, IStateful {
  readonly key = "checkpoints";
  readonly #schedule: CheckpointSchedule;
  #best: BestCheckpoint | undefined;
  /** What the best is the best of. */
  #metric: string | undefined;
  /** When the last checkpoint by time was due, and in which step. */
  #timed: { readonly at: number; readonly step: number } | undefined;

  /** @throws PipeError `option-invalid` unless the numbers are positive, those of steps whole, and minutes come with a clock. */
  constructor(schedule: CheckpointSchedule) {
    const { every, everyMinutes, now, keepLast, keepEvery, pinned = [] } = schedule;
    const whole = { every: every ?? undefined, keepLast, keepEvery, ...Object.fromEntries(pinned.entries()) };
    for (const [name, value] of Object.entries(whole)) {
      if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
        throw invalid("an integer from 1", value, /^\d/.test(name) ? `pinned.${name}` : name);
      }
    }
    if (everyMinutes !== undefined && !(everyMinutes > 0)) {
      throw invalid("a number above 0", everyMinutes, "everyMinutes");
    }
    if (everyMinutes !== undefined && now === undefined) throw invalid("a clock", "none", "now");
    this.#schedule = schedule;
    this.#metric = schedule.keepBest?.metric;
  }

  /** The best value that was observed, and its step. */
  get best(): BestCheckpoint | undefined {
    return this.#best;
  }

  /** Asked again in the same step, it says the same. */
  due({ step, last }: Progress): boolean {
    const { every, pinned = [] } = this.#schedule;
    const timed = this.#isTimeFor(step);
    if (last) return true;
    return (
      step > 0 && (timed || step % (every ?? Infinity) === 0 || this.#best?.step === step || pinned.includes(step))
    );
  }

  /** Notes an evaluation. @throws PipeError `metric-unknown` where it lacks the metric. */
  observe({ step, metrics }: { readonly step: number; readonly metrics: { readonly [name: string]: number } }): void {
    const { keepBest } = this.#schedule;
    if (keepBest === undefined) return;
    const value = metrics[keepBest.metric];
    if (value === undefined) {
      throw new PipeError("metric-unknown", "The best checkpoint is chosen by a metric that is not measured.", {
        expected: `one of ${Object.keys(metrics).join(", ")}`,
        got: keepBest.metric,
      });
    }
    if (!Number.isFinite(value)) return;
    const sign = keepBest.better === "lower" ? 1 : -1;
    if (this.#best === undefined || sign * value < sign * this.#best.value) this.#best = { step, value };
  }

  /** The checkpoints to remove, oldest first. */
  surplus(refs: readonly CheckpointRef[]): readonly CheckpointRef[] {
    const { keepLast = Infinity, keepEvery = Infinity, pinned = [] } = this.#schedule;
    const sorted = refs.toSorted((a, b) => a.step - b.step);
    const old = sorted.slice(0, Math.max(0, sorted.length - keepLast));
    return old.filter(({ step }) => step % keepEvery !== 0 && step !== this.#best?.step && !pinned.includes(step));
  }

  capture(): Json {
    const best = this.#best ?? null;
    return best === null || this.#metric === undefined ? { best } : { best, metric: this.#metric };
  }

  /** Goes on with the best so far, unless the best of another metric is to be kept now. @throws PipeError `state-invalid`. */
  restore(value: Json): void {
    const { best, metric } = (value ?? {}) as StoredState;
    const isBest = best === null || (Number.isSafeInteger(best?.step) && typeof best?.value === "number");
    if (!isBest) {
      throw new PipeError("state-invalid", "This is not the state of a checkpoint schedule.", {
        got: JSON.stringify(value),
      });
    }
    const wanted = this.#schedule.keepBest?.metric;
    const isOther = wanted !== undefined && metric !== undefined && metric !== wanted;
    this.#best = isOther ? undefined : ((best as BestCheckpoint | null) ?? undefined);
    this.#metric = wanted ?? metric;
  }

  #isTimeFor(step: number): boolean {
    const { everyMinutes, now } = this.#schedule;
    if (everyMinutes === undefined) return false;
    const at = now!();
    this.#timed ??= { at, step: -1 };
    if (step !== this.#timed.step && at - this.#timed.at >= 60_000 * everyMinutes) this.#timed = { at, step };
    return this.#timed.step === step;
  }
}

function invalid(expected: string, got: unknown, where: string): PipeError {
  return new PipeError("option-invalid", "A checkpoint schedule has a setting that makes no schedule.", {
    expected,
    got: String(got),
    where,
  });
}
