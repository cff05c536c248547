import type { EvaluationReport, IStateful, Json, StepContext } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** When a run has learnt what it can. */
export type EarlyStoppingOptions = {
  /** Name of the metric that decides. */
  readonly metric: string;
  readonly better: "lower" | "higher";
  /** Evaluations in a row without a better value after which training ends. */
  readonly patience: number;
  /** How much better a value must be to count; default 0: any. */
  readonly minimumDelta?: number;
};

type State = { readonly best: { readonly step: number; readonly value: number } | null; readonly waited: number };
/** As it is stored: older ones do not name the metric. */
type StoredState = State & { readonly metric?: string };

/** Ends a run whose metric gets no better. Its state, under the key `earlyStopping`, goes into checkpoints. */
export class EarlyStopping implements IStateful {
  readonly key = "earlyStopping";
  readonly #options: Required<EarlyStoppingOptions>;
  #state: State = { best: null, waited: 0 };

  /** @throws PipeError `early-stopping-invalid`. */
  constructor(options: EarlyStoppingOptions) {
    this.#options = { minimumDelta: 0, ...options };
    const { patience, minimumDelta } = this.#options;
    if (Number.isSafeInteger(patience) && patience >= 1 && minimumDelta >= 0) return;
    throw new PipeError("early-stopping-invalid", "Early stopping waits for a positive number of evaluations.", {
      expected: "patience: an integer from 1, minimumDelta ≥ 0",
      got: `patience: ${patience}, minimumDelta: ${minimumDelta}`,
    });
  }

  /**
   * Judges an evaluation; where patience is over, emits `early-stopped` and makes the step of this context the last one.
   * A value that is not finite is no better one.
   * @throws PipeError `metric-unknown` where the report lacks the metric.
   */
  observe(
    { step, metrics }: Pick<EvaluationReport, "step" | "metrics">,
    { progress, events, stop }: Pick<StepContext, "progress" | "events" | "stop">,
  ): void {
    const { metric, better, patience, minimumDelta } = this.#options;
    const value = metrics[metric];
    if (value === undefined) {
      throw new PipeError("metric-unknown", "Early stopping waits for a metric that is not measured.", {
        expected: `one of ${Object.keys(metrics).join(", ")}`,
        got: metric,
      });
    }
    const { best, waited } = this.#state;
    const gain = better === "lower" ? (best?.value ?? Infinity) - value : value - (best?.value ?? -Infinity);
    const isBetter = Number.isFinite(value) && gain > minimumDelta;
    this.#state = isBetter ? { best: { step, value }, waited: 0 } : { best, waited: waited + 1 };
    if (this.#state.waited < patience || progress.last) return;
    events.emit("early-stopped", { step, metric, best: best?.value ?? Number.NaN });
    stop("early-stopped");
  }

  capture(): Json {
    return { ...this.#state, metric: this.#options.metric };
  }

  /** Goes on waiting; with another metric than the stored one it begins anew. @throws PipeError `state-invalid`. */
  restore(value: Json): void {
    const { best, waited, metric = this.#options.metric } = (value ?? {}) as Partial<StoredState>;
    const isBest = best === null || (Number.isSafeInteger(best?.step) && typeof best?.value === "number");
    if (!isBest || !Number.isSafeInteger(waited)) {
      throw new PipeError("state-invalid", "This is not the state of early stopping.", { got: JSON.stringify(value) });
    }
    this.#state = metric === this.#options.metric ? { best: best!, waited: waited! } : { best: null, waited: 0 };
  }
}
