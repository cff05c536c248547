import type { Batch } from "./data.ts";
import type { ModelState } from "./run.ts";

/** Limits of one evaluation. */
export type EvaluateOptions = {
  /** Batches at most; default all. */
  readonly batches?: number;
  readonly signal?: AbortSignal;
};

/** Figures of one evaluation. */
export type EvaluationReport = {
  readonly step: number;
  readonly metrics: { readonly [name: string]: number };
  /** Targets that counted. */
  readonly tokens: number;
  readonly batches: number;
};

/** Measures a model on batches. */
export interface IEvaluator {
  evaluate(
    state: Pick<ModelState, "step" | "params">,
    batches: AsyncIterable<Batch>,
    options?: EvaluateOptions,
  ): Promise<EvaluationReport>;
}
