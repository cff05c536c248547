import { describe, expect, it } from "vitest";
import { definitions } from "./definitions.ts";
import { LearningRateSchedulerFactory, OptimizerFactory } from "./factories.ts";
import { parameter, servicesOf } from "./parameter.test.fixture.ts";

const services = servicesOf([parameter("w", [3], true)]);

describe("factories", () => {
  it.each([
    ["adamw", ["m", "v"]],
    ["adam", ["m", "v"]],
    ["lion", ["m"]],
    ["sgd", []],
  ])("make the optimizer %s, which keeps %j", async (kind, slots) => {
    const optimizer = await new OptimizerFactory(definitions).create({ kind }, services);
    expect(optimizer.slots(parameter("w", [3], true)).map(({ name }) => name)).toEqual(slots);
  });

  const factory = new LearningRateSchedulerFactory(definitions);
  it.each([
    ["constant", 1],
    ["cosine", 0.1],
    ["linear", 0],
    ["wsd", 0],
    ["oneCycle", 4e-6],
    ["inverseSqrt", 1 / Math.sqrt(1 + 10 / 10_000)],
  ])("make the schedule %s, whose end is that of the budget", async (kind, end) => {
    const config = { kind, rate: 1 };
    expect((await factory.create(config, services)).rate(10)).toBeCloseTo(end, 12);
  });

  it("make schedules with an end of their own", async () => {
    const set = { kind: "cosine", steps: 20, minimum: 0, rate: 1 };
    expect((await factory.create(set, services)).rate(10)).toBeCloseTo(0.5, 12);
    const stable = { kind: "wsd", steps: 20, decay: 10, shape: "linear", minimum: 0.5, rate: 1 };
    expect((await factory.create(stable, services)).rate(15)).toBeCloseTo(0.75, 12);
    await expect(factory.create({ kind: "step" }, services)).rejects.toThrow("expected: constant, cosine");
  });
});
