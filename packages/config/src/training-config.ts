import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
import type { Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

const positive = z.number().int().positive();
const recovery = z.strictObject({
  restore: z.literal("last-checkpoint"),
  rateFactor: z.number().gt(0).lt(1).default(0.5).describe("What learning rates are multiplied with each time."),
  attempts: positive.default(3).describe("How often in a row without a new checkpoint between."),
});
/** Token ids of one step are one int32 tensor, whose elements int32 counts. */
const MOST_TARGETS = 2 ** 31 - 1;

function trainingSchema(definitions: readonly ComponentDefinition[]) {
  return z.strictObject({
    steps: positive.optional().describe("Budget in steps."),
    tokens: positive.optional().describe("Budget in targets."),
    epochs: positive.optional().describe("Budget in passes over the data."),
    hours: z.number().positive().optional().describe("Budget in hours, those before an interruption counted."),
    batch: positive.default(8).describe("Rows of one step."),
    accumulate: positive.default(1).describe("Parts that a batch is split into: the same result with less memory."),
    recompute: z
      .union([z.boolean(), z.array(z.string().min(1))])
      .default(false)
      .describe("Blocks (`h.*`, or true for all) that the backward pass computes again: less memory, more time."),
    memory: z
      .number()
      .positive()
      .optional()
      .describe(
        "Gigabytes that a step may plan for: the batch is split and blocks are computed again as far as that takes.",
      ),
    precision: z
      .enum(["fp32", "bf16", "fp16"])
      .optional()
      .describe("Products of a step, all else fp32; default what the engine takes. fp16 scales the loss."),
    overfit: positive
      .optional()
      .describe("Trains on the first so many batches only, again and again, to see whether a model can learn."),
    onNonFinite: z
      .union([z.enum(["skip", "stop"]), recovery])
      .default("skip")
      .describe("After a step whose loss or gradient is not finite, and whose update is refused therefore."),
    maxSkipped: positive.default(10).describe("Skipped steps in a row after which training ends with an error."),
    stages: z
      .array(componentSchema(definitions, "stage"))
      .default([])
      .describe("Stages of plug-ins, which run in this order after each step, before a checkpoint is saved."),
  });
}

const budgets = ["steps", "tokens", "epochs", "hours"] as const;

/** How long to train, and on how much at once. */
export class TrainingConfig extends ConfigBase<ReturnType<typeof trainingSchema>> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("training", trainingSchema(definitions));
  }

  /** At least one budget is set, and a step is not larger than a tensor can be. */
  override check(fields: Fields): readonly Problem[] {
    const problems: Problem[] = [];
    if (!budgets.some((name) => fields.has(`training.${name}`))) {
      problems.push({ path: "training", expected: `a budget: one of ${budgets.join(", ")}`, got: "none" });
    }
    const [batch = 1, length = 1] = [fields.number("training.batch"), fields.number("data.sequenceLength")];
    const accumulate = fields.number("training.accumulate") ?? 1;
    if (accumulate > Math.max(1, batch)) {
      problems.push({ path: "training.accumulate", expected: `at most the batch (${batch})`, got: String(accumulate) });
    }
    if (fields.has("training.memory") && accumulate > 1) {
      const expected = "to be left out: training.memory chooses it";
      problems.push({ path: "training.accumulate", expected, got: String(accumulate) });
    }
    if (batch * length > MOST_TARGETS) {
      const expected = `at most ${Math.max(1, Math.floor(MOST_TARGETS / length))} rows of ${length} tokens`;
      problems.push({ path: "training.batch", expected, got: String(batch) });
    }
    return problems;
  }
}
