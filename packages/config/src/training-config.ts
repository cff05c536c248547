import { z } from "zod";
import { ConfigBase } from "./config-base.ts";
import type { Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

const positive = z.number().int().positive();
/** Token ids of one step are one int32 tensor, whose elements int32 counts. */
const MOST_TARGETS = 2 ** 31 - 1;

const schema = z.strictObject({
  steps: positive.optional().describe("Budget in steps."),
  tokens: positive.optional().describe("Budget in targets."),
  epochs: positive.optional().describe("Budget in passes over the data."),
  batch: positive.default(8).describe("Rows of one step."),
});

const budgets = ["steps", "tokens", "epochs"] as const;

/** How long to train, and on how much at once. */
export class TrainingConfig extends ConfigBase<typeof schema> {
  constructor() {
    super("training", schema);
  }

  /** At least one budget is set, and a step is not larger than a tensor can be. */
  override check(fields: Fields): readonly Problem[] {
    const problems: Problem[] = [];
    if (!budgets.some((name) => fields.has(`training.${name}`))) {
      problems.push({ path: "training", expected: `a budget: one of ${budgets.join(", ")}`, got: "none" });
    }
    const [batch = 1, length = 1] = [fields.number("training.batch"), fields.number("data.sequenceLength")];
    if (batch * length > MOST_TARGETS) {
      const expected = `at most ${Math.max(1, Math.floor(MOST_TARGETS / length))} rows of ${length} tokens`;
      problems.push({ path: "training.batch", expected, got: String(batch) });
    }
    return problems;
  }
}
