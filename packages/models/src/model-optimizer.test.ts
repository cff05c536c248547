import type { IModel, IOptimizer, TensorSpec } from "@pipe/core";
import { byteSizeOf } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { GPT2Model } from "./gpt2-model.ts";
import { ModelOptimizer, type StepPlan } from "./model-optimizer.ts";

const model = new GPT2Model({ vocabulary: 64, positions: 128, width: 16, layers: 4, heads: 4 });
const matrix: TensorSpec = { shape: [2, 128], dtype: "int32" };
const batch = { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } } as const;
/** Two slots a parameter, as Adam has. */
const optimizer: IOptimizer = {
  slots: ({ shape }) => ["m", "v"].map((name) => ({ name, shape, dtype: "float32", init: "zeros" })),
  update: () => {
    throw new Error("nothing is run");
  },
};
const weights = model.parameters().reduce((sum, parameter) => sum + byteSizeOf(parameter), 0);
const planOf = (memoryBytes: number): StepPlan =>
  new ModelOptimizer({ memoryBytes }).plan(model as IModel<never>, optimizer, batch);

describe("ModelOptimizer", () => {
  it("leaves a step as it is where it fits", () => {
    const plan = planOf(1e9);
    expect(plan).toMatchObject({ accumulate: 1, recompute: [], stateBytes: 3 * weights });
    expect(plan.plannedBytes).toBeGreaterThan(weights);
  });

  it("splits the batch, then computes blocks again, the less memory there is", () => {
    const sizeOf = ({ stateBytes, plannedBytes }: StepPlan): number => stateBytes + plannedBytes - weights;
    const plans: StepPlan[] = [planOf(1e9)];
    // Each time a byte less than the last plan took, until nothing fits.
    for (;;) {
      try {
        plans.push(planOf(sizeOf(plans.at(-1)!) - 1));
      } catch (error) {
        expect(error).toMatchObject({
          code: "memory-exceeded",
          // The limit and what is a byte above it do not look the same.
          message: expect.stringMatching(/expected: ([\d.]+) MB at most\n {2}got: (?!\1 )[\d.]+ MB with one row/),
        });
        break;
      }
    }
    const steps = plans.map(({ accumulate, recompute }) => `${accumulate}:${recompute.length}`);
    const order = ["1:0", "2:0", "2:2", "2:4"];
    expect(steps).toEqual(order.filter((step) => steps.includes(step)));
    expect(steps.length).toBeGreaterThanOrEqual(3);
    expect(plans.at(-1)!.recompute.length).toBeGreaterThan(0);
    for (const [i, plan] of plans.entries()) if (i > 0) expect(sizeOf(plan)).toBeLessThan(sizeOf(plans[i - 1]!));
  });

  it.each([0, -1, Number.NaN])("refuses a limit of %s bytes", (memoryBytes) => {
    expect(() => new ModelOptimizer({ memoryBytes })).toThrow(expect.objectContaining({ code: "memory-invalid" }));
  });
});
