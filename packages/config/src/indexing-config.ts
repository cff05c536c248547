import { z } from "zod";
import { ConfigBase } from "./config-base.ts";

const schema = z
  .strictObject({
    folder: z
      .string()
      .optional()
      .describe("Markdown that is indexed when training ends; a path, or `guide` for the project's own guide."),
    query: z.string().optional().describe("A search that is shown afterwards."),
  })
  .prefault({});

/** What is indexed with the trained model. */
export class IndexingConfig extends ConfigBase<typeof schema> {
  constructor() {
    super("indexing", schema);
  }
}
