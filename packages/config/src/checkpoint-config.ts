import { z } from "zod";
import { ConfigBase } from "./config-base.ts";

const whole = z.number().int().positive();
const schema = z
  .strictObject({
    every: whole
      .nullable()
      .default(500)
      .describe("Steps between checkpoints, null for none; the last step has one always."),
    everyMinutes: z.number().positive().optional().describe("Minutes between checkpoints."),
    keepLast: whole.default(3).describe("How many of the newest stay."),
    keepEvery: whole.optional().describe("Checkpoints of steps that are multiples of this stay."),
    keepBest: z.string().optional().describe("A metric, such as loss: each new best is saved, and the best stays."),
    pinned: z.array(whole).default([]).describe("Steps whose checkpoints are saved and stay."),
  })
  .prefault({});

/** When the state is saved, and what stays. */
export class CheckpointConfig extends ConfigBase<typeof schema> {
  constructor() {
    super("checkpoint", schema);
  }
}
