import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
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
    folder: z.string().optional().describe("Where token shards are kept; default beside the runs."),
  });
}

/** The text, its tokens and its splits. */
export class DataConfig extends ConfigBase<ReturnType<typeof dataSchema>> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("data", dataSchema(definitions));
  }

  /** A row is not longer than the model's positions. */
  override check(
    { sequenceLength }: z.output<ReturnType<typeof dataSchema>>,
    { model }: { readonly [section: string]: unknown },
  ): readonly Problem[] {
    const positions = (model as { positions?: unknown } | undefined)?.positions;
    if (typeof positions !== "number" || sequenceLength <= positions) return [];
    return [
      { path: "data.sequenceLength", expected: `at most model.positions (${positions})`, got: String(sequenceLength) },
    ];
  }
}
