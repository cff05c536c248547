import type { ComponentDefinition, IMetric } from "@pipe/core";
import { z } from "zod";

type Kind = "loss" | "perplexity" | "bitsPerByte" | "accuracy";
type MetricDefinition = ComponentDefinition<Kind, { kind: Kind }, IMetric>;

function metric(kind: Kind, pick: (metrics: typeof import("./metrics.ts")) => IMetric): MetricDefinition {
  return {
    port: "metric",
    kind,
    schema: z.strictObject({ kind: z.literal(kind) }),
    create: async () => pick(await import("./metrics.ts")),
  };
}

/** The metrics of this package, as a configuration names them. */
export const definitions: readonly MetricDefinition[] = [
  metric("loss", ({ lossMetric }) => lossMetric),
  metric("perplexity", ({ perplexityMetric }) => perplexityMetric),
  metric("bitsPerByte", ({ bitsPerByteMetric }) => bitsPerByteMetric),
  metric("accuracy", ({ accuracyMetric }) => accuracyMetric),
];
