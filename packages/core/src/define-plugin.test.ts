import { expect, it } from "vitest";
import { z } from "zod";
import { defineComponent } from "./define-component.ts";
import { definePlugin, PLUGIN_API } from "./define-plugin.ts";
import type { ISchedule } from "./interfaces/optimizer.ts";
import { serviceTokens } from "./token.ts";

const flat = defineComponent({ port: "schedule", kind: "flat", create: ({ kind }) => ({ rate: () => kind.length }) });

const steps = defineComponent({
  port: "schedule",
  kind: "steps",
  schema: z.strictObject({ kind: z.literal("steps"), rate: z.number().default(1), every: z.number().optional() }),
  create: async ({ rate, every }, services): Promise<ISchedule> => {
    const period = every ?? (await services.get(serviceTokens.steps)) / 4;
    return { rate: (applied) => rate / 2 ** Math.floor(applied / period) };
  },
});

it("keeps the components and notes the contract that they were written for", () => {
  const plugin = definePlugin({ name: "schedules", components: [flat, steps] });
  expect(plugin).toEqual({ name: "schedules", api: PLUGIN_API, components: [flat, steps] });
  expect(plugin.components[0].kind).toBe("flat");
});

it("infers what a component gets and must make", async () => {
  const services = { has: () => true, get: async <T>(): Promise<T> => 8 as T };
  const schedule = await steps.create({ kind: "steps", rate: 4 }, services);
  expect([0, 2, 4].map((applied) => schedule.rate(applied))).toEqual([4, 2, 1]);
  // @ts-expect-error a metric is no schedule
  defineComponent({ port: "metric", kind: "flat", create: () => ({ rate: () => 1 }) });
  // @ts-expect-error the schema has another kind
  defineComponent({ port: "schedule", kind: "a", schema: z.object({ kind: z.literal("b") }), create: flat.create });
});
