import { defineComponent, definedOnly, type Services, serviceTokens } from "@pipe/core";
import { z } from "zod";

const beta = (value: number) => z.number().min(0).lt(1).default(value);
const decay = (value: number, description: string) => z.number().min(0).default(value).describe(description);
const DECOUPLED = "Applies to matrices, not to biases and gains; apart from the gradient.";
const L2 = "Applies to matrices, not to biases and gains; as part of the gradient (L2).";

const adam = {
  beta1: beta(0.9).describe("Decay of the mean of gradients."),
  epsilon: z.number().positive().default(1e-8),
};
const optimizers = {
  adamw: z.strictObject({ kind: z.literal("adamw"), ...adam, beta2: beta(0.95), weightDecay: decay(0.1, DECOUPLED) }),
  adam: z.strictObject({ kind: z.literal("adam"), ...adam, beta2: beta(0.999), weightDecay: decay(0, L2) }),
  lion: z.strictObject({
    kind: z.literal("lion"),
    beta1: beta(0.9).describe("Decay of the mean in the direction of a step."),
    beta2: beta(0.99).describe("Decay of the mean that is kept."),
    weightDecay: decay(0.3, DECOUPLED),
  }),
  adafactor: z.strictObject({
    kind: z.literal("adafactor"),
    decay: z
      .number()
      .negative()
      .default(-0.8)
      .describe("Power of the updates at which squared gradients are forgotten."),
    threshold: z.number().positive().default(1).describe("Root mean square above which a step is scaled down."),
    scale: z.number().positive().default(1e-3).describe("Smallest size of a parameter that its steps are scaled by."),
    weightDecay: decay(0, DECOUPLED),
  }),
  muon: z.strictObject({
    kind: z.literal("muon"),
    momentum: beta(0.95),
    nesterov: z.boolean().default(true),
    iterations: z.number().int().min(1).max(99).default(5).describe("Newton–Schulz iterations."),
    ...adam,
    beta2: beta(0.95),
    weightDecay: decay(0.1, DECOUPLED),
  }),
  sgd: z.strictObject({
    kind: z.literal("sgd"),
    momentum: beta(0),
    dampening: z.number().min(0).max(1).default(0),
    nesterov: z.boolean().default(false),
    weightDecay: decay(0, L2),
  }),
};

const updates = z.number().int();
const share = z.number().min(0);
const peak = { rate: z.number().positive().default(1e-3).describe("Highest learning rate.") };
const rising = {
  ...peak,
  warmup: updates.min(0).default(0).describe("Updates over which the rate rises."),
  initial: share.optional().describe("Rate of the first of these; default rate / (warmup + 1)."),
};
const ending = {
  steps: updates.positive().optional().describe("Update at which the minimum is reached; default the budget."),
};
const minimum = (standard: string) => share.optional().describe(`Lowest learning rate; default ${standard}.`);
const schedules = {
  constant: z.strictObject({ kind: z.literal("constant"), ...rising }),
  cosine: z.strictObject({ kind: z.literal("cosine"), ...rising, ...ending, minimum: minimum("a tenth of `rate`") }),
  linear: z.strictObject({ kind: z.literal("linear"), ...rising, ...ending, minimum: minimum("0") }),
  wsd: z.strictObject({
    kind: z.literal("wsd"),
    ...rising,
    ...ending,
    minimum: minimum("0"),
    decay: updates.min(0).optional().describe("Updates of the fall at the end; default a fifth of the steps."),
    shape: z.enum(["1-sqrt", "linear", "cosine"]).default("1-sqrt").describe("How the rate falls."),
  }),
  oneCycle: z.strictObject({
    kind: z.literal("oneCycle"),
    ...peak,
    ...ending,
    rise: share.max(1).default(0.3).describe("Share of the steps in which the rate rises."),
    initial: share.optional().describe("First rate; default rate / 25."),
    minimum: minimum("initial / 10,000"),
    shape: z.enum(["cosine", "linear"]).default("cosine"),
    threePhase: z.boolean().default(false).describe("Fall back to `initial` as it rose, and only then to the minimum."),
  }),
  inverseSqrt: z.strictObject({
    kind: z.literal("inverseSqrt"),
    ...rising,
    timescale: updates.positive().optional().describe("Updates in which it falls by √2; default `warmup` or 10,000."),
  }),
};

/** A schedule's options with the end of the budget where they have none. */
async function ended<T extends { readonly kind: string; readonly steps?: number | undefined }>(
  { kind: _, ...options }: T,
  services: Services,
) {
  return definedOnly({ ...options, steps: options.steps ?? (await services.get(serviceTokens.steps)) });
}

/** The optimizers and schedules of this package, as a configuration names them. */
export const definitions = [
  defineComponent({
    port: "optimizer",
    kind: "adamw",
    schema: optimizers.adamw,
    create: async ({ kind: _, ...options }, services) => {
      const { AdamWOptimizer } = await import("./optimizers/adamw.ts");
      return new AdamWOptimizer(await services.get(serviceTokens.parameters), options);
    },
  }),
  defineComponent({
    port: "optimizer",
    kind: "adam",
    schema: optimizers.adam,
    create: async ({ kind: _, ...options }, services) => {
      const { AdamOptimizer } = await import("./optimizers/adam.ts");
      return new AdamOptimizer(await services.get(serviceTokens.parameters), options);
    },
  }),
  defineComponent({
    port: "optimizer",
    kind: "lion",
    schema: optimizers.lion,
    create: async ({ kind: _, ...options }, services) => {
      const { LionOptimizer } = await import("./optimizers/lion.ts");
      return new LionOptimizer(await services.get(serviceTokens.parameters), options);
    },
  }),
  defineComponent({
    port: "optimizer",
    kind: "adafactor",
    schema: optimizers.adafactor,
    create: async ({ kind: _, ...options }, services) => {
      const { AdafactorOptimizer } = await import("./optimizers/adafactor.ts");
      return new AdafactorOptimizer(await services.get(serviceTokens.parameters), options);
    },
  }),
  defineComponent({
    port: "optimizer",
    kind: "muon",
    schema: optimizers.muon,
    create: async ({ kind: _, ...options }, services) => {
      const { MuonOptimizer } = await import("./optimizers/muon.ts");
      return new MuonOptimizer(await services.get(serviceTokens.parameters), options);
    },
  }),
  defineComponent({
    port: "optimizer",
    kind: "sgd",
    schema: optimizers.sgd,
    create: async ({ kind: _, ...options }, services) => {
      const { SgdOptimizer } = await import("./optimizers/sgd.ts");
      return new SgdOptimizer(await services.get(serviceTokens.parameters), options);
    },
  }),
  defineComponent({
    port: "schedule",
    kind: "constant",
    schema: schedules.constant,
    create: async ({ kind: _, ...options }) =>
      (await import("./schedules/constant.ts")).constantSchedule(definedOnly(options)),
  }),
  defineComponent({
    port: "schedule",
    kind: "cosine",
    schema: schedules.cosine,
    create: async (options, services) =>
      (await import("./schedules/cosine.ts")).cosineSchedule(await ended(options, services)),
  }),
  defineComponent({
    port: "schedule",
    kind: "linear",
    schema: schedules.linear,
    create: async (options, services) =>
      (await import("./schedules/linear.ts")).linearSchedule(await ended(options, services)),
  }),
  defineComponent({
    port: "schedule",
    kind: "wsd",
    schema: schedules.wsd,
    create: async (options, services) =>
      (await import("./schedules/wsd.ts")).wsdSchedule(await ended(options, services)),
  }),
  defineComponent({
    port: "schedule",
    kind: "oneCycle",
    schema: schedules.oneCycle,
    create: async (options, services) =>
      (await import("./schedules/one-cycle.ts")).oneCycleSchedule(await ended(options, services)),
  }),
  defineComponent({
    port: "schedule",
    kind: "inverseSqrt",
    schema: schedules.inverseSqrt,
    create: async ({ kind: _, ...options }) =>
      (await import("./schedules/inverse-sqrt.ts")).inverseSqrtSchedule(definedOnly(options)),
  }),
] as const;

declare module "@pipe/core" {
  interface InstalledDefinitions {
    "@pipe/optim": typeof definitions;
  }
}
