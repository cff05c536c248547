import { defineComponent, serviceTokens } from "@pipe/core";
import { z } from "zod";

const adamw = z.strictObject({
  kind: z.literal("adamw"),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.95),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0.1).describe("Applies to matrices, not to biases and gains."),
});

const rate = z.number().positive().default(1e-3).describe("Highest learning rate.");
const warmup = z.number().int().min(0).default(0).describe("Updates over which the rate rises.");
const constant = z.strictObject({ kind: z.literal("constant"), rate, warmup });
const cosine = z.strictObject({
  kind: z.literal("cosine"),
  rate,
  warmup,
  steps: z.number().int().positive().optional().describe("Update at which the minimum is reached; default the budget."),
  minimum: z.number().min(0).optional().describe("Lowest learning rate; default a tenth of `rate`."),
});

/** The optimizers and schedules of this package, as a configuration names them. */
export const definitions = [
  defineComponent({
    port: "optimizer",
    kind: "adamw",
    schema: adamw,
    create: async ({ kind: _, ...options }, services) => {
      const { AdamWOptimizer } = await import("./adamw.ts");
      return new AdamWOptimizer(await services.get(serviceTokens.parameters), options);
    },
  }),
  defineComponent({
    port: "schedule",
    kind: "constant",
    schema: constant,
    create: async (options) => (await import("./schedules.ts")).constantSchedule(options),
  }),
  defineComponent({
    port: "schedule",
    kind: "cosine",
    schema: cosine,
    create: async ({ kind: _, steps, minimum, ...options }, services) => {
      const { cosineSchedule } = await import("./schedules.ts");
      return cosineSchedule({
        ...options,
        steps: steps ?? (await services.get(serviceTokens.steps)),
        ...(minimum === undefined ? {} : { minimum }),
      });
    },
  }),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/optim": typeof definitions;
  }
}
