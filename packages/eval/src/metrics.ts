import type { IMetric } from "@pipe/core";
import { PipeError } from "@pipe/core";

const mean = (totals: { readonly [name: string]: number }): number => totals["lossSum"]! / totals["weight"]!;

/** Mean cross-entropy in nats a token. */
export const lossMetric: IMetric = { name: "loss", better: "lower", sums: () => ({}), value: mean };

/** e to the loss: among how many equally likely tokens the model chooses. */
export const perplexityMetric: IMetric = {
  name: "perplexity",
  better: "lower",
  sums: () => ({}),
  value: (totals) => Math.exp(mean(totals)),
};

/** Cross-entropy in bits for each UTF-8 byte of the targets: comparable between tokenizers. NaN without byte lengths. */
export const bitsPerByteMetric: IMetric = {
  name: "bitsPerByte",
  better: "lower",
  sums: () => ({}),
  value: ({ lossSum, bytes }) => lossSum! / Math.LN2 / (bytes ?? Number.NaN),
};

/** Share of targets that the model ranks first. @throws PipeError `metric-impossible` for a model that does not count them. */
export const accuracyMetric: IMetric = {
  name: "accuracy",
  better: "higher",
  sums: ({ sums }) => {
    const correct = sums?.["correct"];
    if (correct !== undefined) return { correct };
    throw new PipeError("metric-impossible", "Accuracy needs the number of correct predictions.", {
      expected: "`sums.correct` in what the model's loss() returns",
      got: Object.keys(sums ?? {}).join(", ") || "no sums",
    });
  },
  value: ({ correct, weight }) => correct! / weight!,
};
