import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";

function optimizationSchema(definitions: readonly ComponentDefinition[]) {
  return z
    .strictObject({
      optimizer: z.prefault(componentSchema(definitions, "optimizer"), { kind: "adamw" }),
      schedule: z.prefault(componentSchema(definitions, "schedule"), { kind: "cosine" }),
      clip: z.number().positive().nullable().default(1).describe("Largest gradient norm; null for none."),
    })
    .prefault({});
}

/** How weights are updated. */
export class OptimizationConfig extends ConfigBase<ReturnType<typeof optimizationSchema>> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("optimization", optimizationSchema(definitions));
  }
}
