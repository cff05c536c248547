import { z } from "zod";
import { ConfigBase } from "./config-base.ts";

const schema = z
  .strictObject({
    progressEvery: z.number().int().positive().default(50).describe("Steps between lines where there is no terminal."),
  })
  .prefault({});

/** What a run shows and writes down. */
export class MonitoringConfig extends ConfigBase<typeof schema> {
  constructor() {
    super("monitoring", schema);
  }
}
