import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import { componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
import { defaultKinds, ofKinds } from "./default-kinds.ts";
import type { Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

const sample = z.strictObject({
  every: z.number().int().positive().describe("Steps between samples."),
  prompt: z.string().default("\n"),
  tokens: z.number().int().positive().default(200),
  temperature: z.number().min(0).default(0.8),
  topK: z.number().int().positive().optional(),
  topP: z.number().gt(0).max(1).optional(),
});

const earlyStopping = z.strictObject({
  metric: z.string().default("loss").describe("Name of a metric that is measured."),
  patience: z.number().int().positive().default(5).describe("Evaluations in a row without a better value."),
  minimumDelta: z.number().min(0).default(0).describe("How much better a value must be to count."),
});

function evaluationSchema(definitions: readonly ComponentDefinition[]) {
  return z
    .strictObject({
      every: z.number().int().positive().default(250).describe("Steps between evaluations."),
      batches: z.number().int().positive().optional().describe("Batches at most; default the whole split."),
      metrics: z.array(componentSchema(definitions, "metric")).prefault(ofKinds(defaultKinds.metric)),
      earlyStopping: earlyStopping.optional().describe("Ends training when a metric gets no better."),
      sample: sample.optional().describe("What the model writes while it trains."),
    })
    .prefault({});
}

/** How the model is measured while it trains. */
export class EvaluationConfig extends ConfigBase<ReturnType<typeof evaluationSchema>> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("evaluation", evaluationSchema(definitions));
  }

  /** No metric is listed twice. */
  override check(fields: Fields): readonly Problem[] {
    const metrics = (fields.list("evaluation.metrics") ?? []).map(canonicalJson);
    return metrics.flatMap((metric, i) =>
      metrics.indexOf(metric) === i
        ? []
        : [{ path: `evaluation.metrics.${i}`, expected: "a metric that is not listed before", got: metric }],
    );
  }
}
