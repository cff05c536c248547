import { z } from "zod";
import { ConfigBase } from "./config-base.ts";
import type { Problem } from "./problem.ts";

const positive = z.number().int().positive();

const schema = z.strictObject({
  steps: positive.optional().describe("Budget in steps."),
  tokens: positive.optional().describe("Budget in targets."),
  epochs: positive.optional().describe("Budget in passes over the data."),
  batch: positive.default(8).describe("Rows of one step."),
});

/** How long to train, and on how much at once. */
export class TrainingConfig extends ConfigBase<typeof schema> {
  constructor() {
    super("training", schema);
  }

  /** At least one budget is set. */
  override check({ steps, tokens, epochs }: z.output<typeof schema>): readonly Problem[] {
    if (steps !== undefined || tokens !== undefined || epochs !== undefined) return [];
    return [{ path: "training", expected: "a budget: steps, tokens or epochs", got: "none" }];
  }
}
