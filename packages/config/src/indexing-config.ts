import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
import type { Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

const tokens = z.number().int().positive().optional().describe("Tokens of 4 characters in a passage at most.");

const strategy = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("section"), tokens }),
  z.strictObject({ kind: z.literal("window"), tokens, overlap: z.number().int().min(0).optional() }),
  z.strictObject({ kind: z.literal("sentence"), tokens }),
  z.strictObject({ kind: z.literal("document") }),
]);

const during = z.strictObject({
  every: z.number().int().positive().default(50).describe("Steps between updates."),
  budget: z.number().gt(0).lte(1).default(0.02).describe("Share of the time of steps that updates may take."),
});

function indexingSchema(definitions: readonly ComponentDefinition[]) {
  return z
    .strictObject({
      folder: z
        .string()
        .min(1)
        .meta({ format: "path", description: "A folder of markdown that is indexed when training ends." })
        .optional(),
      strategy: strategy.optional().describe("How documents are cut into passages; default by sections."),
      embedder: componentSchema(definitions, "embedder")
        .optional()
        .describe("What makes the vectors; default the model of the run."),
      store: componentSchema(definitions, "store")
        .optional()
        .describe("What finds near vectors; default usearch in the run's folder."),
      documents: z.boolean().optional().describe("Whether what the run is trained on is indexed too."),
      during: during.optional().describe("Keeps the index in step with the model while it learns."),
      query: z.string().optional().describe("A search that is shown afterwards."),
    })
    .prefault({});
}

/** What is indexed with the model, while it learns and when it has. */
export class IndexingConfig extends ConfigBase<ReturnType<typeof indexingSchema>> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("indexing", indexingSchema(definitions));
  }

  /** What is trained on is known only while training. */
  override check(fields: Fields): readonly Problem[] {
    if (!fields.is("indexing.documents") || fields.has("indexing.during")) return [];
    return [
      { path: "indexing.during", expected: "settings such as {}, as indexing.documents is true", got: "nothing" },
    ];
  }
}
