import { defineComponent, type IMetric } from "@pipe/core";
import { z } from "zod";

function metric<const Kind extends string>(kind: Kind, pick: (metrics: typeof import("./metrics.ts")) => IMetric) {
  return defineComponent({
    port: "metric",
    kind,
    schema: z.strictObject({ kind: z.literal(kind) }),
    create: async () => pick(await import("./metrics.ts")),
  });
}

/** The metrics of this package, as a configuration names them. */
export const definitions = [
  metric("loss", ({ lossMetric }) => lossMetric),
  metric("perplexity", ({ perplexityMetric }) => perplexityMetric),
  metric("bitsPerByte", ({ bitsPerByteMetric }) => bitsPerByteMetric),
  metric("accuracy", ({ accuracyMetric }) => accuracyMetric),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/eval": typeof definitions;
  }
}
