import type { IMetric, LossResult, Params, TokenBatch } from "@pipe/core";
import { PipeError } from "@pipe/core";
import * as tf from "@pipe/graph/tf";

/** Computes several metrics from one forward pass: sums inside the program, values on the host. */
export class MetricsCalculator {
  readonly metrics: readonly IMetric[];

  /** @throws PipeError `metric-duplicate`. */
  constructor(metrics: readonly IMetric[]) {
    const names = metrics.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new PipeError("metric-duplicate", "Two metrics have the same name.", { got: twice });
    this.metrics = metrics;
  }

  /** The scalar sums of one batch; traced. `byteLengths` float32 [V] adds `bytes`. */
  sums(result: LossResult, batch: TokenBatch, byteLengths?: tf.Tensor): Params {
    const each = this.metrics.map((metric) => metric.sums(result, batch));
    const counted = byteLengths === undefined ? {} : { bytes: bytesOf(batch, byteLengths) };
    return Object.assign({ lossSum: result.lossSum, weight: result.weight, ...counted }, ...each) as Params;
  }

  /** The figures of summed batches. @throws PipeError `metric-invalid` where a metric gives something else. */
  values(totals: { readonly [name: string]: number }): { readonly [name: string]: number } {
    return Object.fromEntries(this.metrics.map((metric) => [metric.name, numberOf(metric.name, metric.value(totals))]));
  }
}

function numberOf(metric: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw new PipeError("metric-invalid", "A metric gave no number.", {
    expected: "`value` to return a number",
    got: typeof value,
    where: metric,
  });
}

function bytesOf({ targets, weights }: TokenBatch, byteLengths: tf.Tensor): tf.Tensor {
  const lengths = tf.gather(byteLengths, tf.reshape(targets, [-1]) as tf.Tensor1D);
  return tf.sum(tf.mul(lengths, tf.reshape(weights, [-1])));
}
