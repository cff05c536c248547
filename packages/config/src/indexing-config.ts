import { z } from "zod";
import { ConfigBase } from "./config-base.ts";

const schema = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .meta({ format: "path", description: "A folder of markdown that is indexed when training ends." })
      .optional(),
    query: z.string().optional().describe("A search that is shown afterwards."),
  })
  .prefault({});

/** What is indexed with the trained model. */
export class IndexingConfig extends ConfigBase<typeof schema> {
  constructor() {
    super("indexing", schema);
  }
}
