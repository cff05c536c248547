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
  accumulate: positive.default(1).describe("Parts that a batch is split into: the same result with less memory."),
  recompute: z
    .union([z.boolean(), z.array(z.string().min(1))])
    .default(false)
    .describe("Blocks (`h.*`, or true for all) that the backward pass computes again: less memory, more time."),
  overfit: positive
    .optional()
    .describe("Trains on the first so many batches only, again and again, to see whether a model can learn."),
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
    const accumulate = fields.number("training.accumulate") ?? 1;
    if (accumulate > batch) {
      problems.push({ path: "training.accumulate", expected: `at most the batch (${batch})`, got: String(accumulate) });
    }
    if (batch * length > MOST_TARGETS) {
      const expected = `at most ${Math.max(1, Math.floor(MOST_TARGETS / length))} rows of ${length} tokens`;
      problems.push({ path: "training.batch", expected, got: String(batch) });
    }
    return problems;
  }
}
