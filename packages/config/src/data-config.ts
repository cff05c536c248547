import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
import type { Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

function dataSchema(definitions: readonly ComponentDefinition[]) {
  return z.strictObject({
    source: componentSchema(definitions, "source"),
    tokenizer: componentSchema(definitions, "tokenizer"),
    sequenceLength: z.number().int().positive().describe("Targets of one row."),
    split: z
      .strictObject({
        by: z.enum(["document", "tail", "file"]).default("document"),
        fraction: z.number().gt(0).lt(1).default(0.1).describe("Share of the validation split."),
      })
      .prefault({}),
    shuffle: z.boolean().default(true),
    folder: z
      .string()
      .min(1)
      .meta({ format: "path", description: "Where token shards are kept; default beside the runs." })
      .optional(),
  });
}

/** The text, its tokens and its splits. */
export class DataConfig extends ConfigBase<ReturnType<typeof dataSchema>> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("data", dataSchema(definitions));
  }

  /** A row is not longer than the model's positions. */
  override check(fields: Fields): readonly Problem[] {
    const [length = 1, positions = Infinity] = [fields.number("data.sequenceLength"), fields.number("model.positions")];
    if (length <= positions) return [];
    return [{ path: "data.sequenceLength", expected: `at most model.positions (${positions})`, got: String(length) }];
  }
}
