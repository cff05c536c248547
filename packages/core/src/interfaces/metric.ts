import type { LossResult, Params, TokenBatch } from "./model.ts";

/** A figure made of sums: summed in the compiled program batch by batch, finished on the host. */
export interface IMetric {
  readonly name: string;
  readonly better: "lower" | "higher";
  /** Scalars to add up over the batches; traced into the evaluation program. */
  sums(result: LossResult, batch: TokenBatch): Params;
  /** The figure. `totals` holds `lossSum`, `weight`, `bytes` and all sums of all metrics. */
  value(totals: { readonly [name: string]: number }): number;
}
