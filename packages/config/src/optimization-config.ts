import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
import { defaultKinds } from "./default-kinds.ts";
import type { Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

function optimizationSchema(definitions: readonly ComponentDefinition[]) {
  return z
    .strictObject({
      optimizer: z.prefault(componentSchema(definitions, "optimizer"), { kind: defaultKinds.optimizer[0] }),
      schedule: z.prefault(componentSchema(definitions, "schedule"), { kind: defaultKinds.schedule[0] }),
      clip: z.number().positive().nullable().default(1).describe("Largest gradient norm; null for none."),
    })
    .prefault({});
}

/** How weights are updated. */
export class OptimizationConfig extends ConfigBase<ReturnType<typeof optimizationSchema>> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("optimization", optimizationSchema(definitions));
  }

  /** Where a schedule has a lowest rate, it is not above the highest. */
  override check(fields: Fields): readonly Problem[] {
    const [rate = Infinity, minimum = 0] = ["rate", "minimum"].map((name) =>
      fields.number(`optimization.schedule.${name}`),
    );
    if (minimum <= rate) return [];
    return [{ path: "optimization.schedule.minimum", expected: `at most the rate (${rate})`, got: String(minimum) }];
  }
}
