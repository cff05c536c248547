import type { ComponentDefinition } from "@pipe/core";
import { type ComponentConfig, type ComponentSchema, componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
import type { Problem } from "./problem.ts";

/** The model: its kind and sizes. */
export class ModelConfig extends ConfigBase<ComponentSchema> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("model", componentSchema(definitions, "model"));
  }

  /** Where a model has heads and a width, the heads divide it. */
  override check({ heads, width }: ComponentConfig): readonly Problem[] {
    if (typeof heads !== "number" || typeof width !== "number" || width % heads === 0) return [];
    return [{ path: "model.heads", expected: `a divisor of model.width (${width})`, got: String(heads) }];
  }
}
