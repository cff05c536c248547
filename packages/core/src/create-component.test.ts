import { expect, it } from "vitest";
import { z } from "zod";
import { createComponent } from "./create-component.ts";
import type { ComponentDefinition } from "./interfaces/component.ts";

const schema = z.strictObject({ kind: z.literal("fixed"), rate: z.number().default(2) });
const definitions: readonly ComponentDefinition[] = [
  { port: "optimizer", kind: "fixed", schema, create: () => "an optimizer" },
  { port: "schedule", kind: "fixed", schema, create: (config) => ({ made: config }) },
  { port: "schedule", kind: "asking", schema: z.looseObject({}), create: (_, services) => services.get("steps") },
];

it("makes what the kind names, with defaults filled in", async () => {
  expect(await createComponent(definitions, "schedule", { kind: "fixed" })).toEqual({
    made: { kind: "fixed", rate: 2 },
  });
});

it("hands services over", async () => {
  const services = { has: () => true, get: async <T>(name: string): Promise<T> => `service ${name}` as T };
  expect(await createComponent(definitions, "schedule", { kind: "asking" }, services)).toBe("service steps");
  await expect(createComponent(definitions, "schedule", { kind: "asking" })).rejects.toMatchObject({
    code: "service-unknown",
  });
});

it("names the known kinds, and the place of an error", async () => {
  await expect(createComponent(definitions, "schedule", { kind: "fixd" })).rejects.toThrow(
    /expected: fixed, asking\n {2}got: fixd/,
  );
  const wrong = { kind: "fixed", rate: "fast" };
  await expect(createComponent(definitions, "schedule", wrong)).rejects.toThrow(/schedule\.rate: .*number/);
});

it.each([undefined, null])("says that a definition made %s", async (made) => {
  const empty: readonly ComponentDefinition[] = [{ port: "stage", kind: "empty", create: () => made }];
  await expect(createComponent(empty, "stage", { kind: "empty" })).rejects.toMatchObject({
    code: "component-invalid",
    message: expect.stringContaining("stage empty") as string,
  });
});

it("takes a definition without a schema for one without options", async () => {
  const plain: readonly ComponentDefinition[] = [{ port: "schedule", kind: "plain", create: (config) => config }];
  expect(await createComponent(plain, "schedule", { kind: "plain" })).toEqual({ kind: "plain" });
  const wrong = { kind: "plain", rate: 1 };
  await expect(createComponent(plain, "schedule", wrong)).rejects.toThrow("schedule.rate: this kind has no options");
});
