import { z } from "zod";
import { ConfigBase } from "./config-base.ts";

const schema = z
  .strictObject({
    every: z
      .number()
      .int()
      .positive()
      .default(500)
      .describe("Steps between checkpoints; the last step has one always."),
    keepLast: z.number().int().positive().default(3).describe("How many of the newest stay."),
  })
  .prefault({});

/** When the state is saved, and what stays. */
export class CheckpointConfig extends ConfigBase<typeof schema> {
  constructor() {
    super("checkpoint", schema);
  }
}
