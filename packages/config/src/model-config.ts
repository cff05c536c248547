import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { type ComponentSchema, componentSchema } from "./component-schema.ts";
import { ConfigBase } from "./config-base.ts";
import type { Fields } from "./fields.ts";
import type { Problem } from "./problem.ts";

/** Beyond this many layers or parameters a size is a slip of the pen, and only making the model's list of names would hang. */
const MOST_LAYERS = 10_000;
const MOST_PARAMETERS = 1e12;

/** Where a model's first weights come from, whatever its kind. */
const from = z
  .string()
  .min(1)
  .meta({
    format: "path",
    description:
      "A run, or a folder of transformers, whose weights the model starts with; without `kind` its sizes are those of the folder.",
  })
  .optional();

/** The model: its kind and sizes, and where it starts. */
export class ModelConfig extends ConfigBase<ComponentSchema> {
  constructor(definitions: readonly ComponentDefinition[]) {
    super("model", componentSchema(definitions, "model", { from }));
  }

  /** Where a model has heads, a width and layers, the heads divide the width and the whole is of this world. */
  override check(fields: Fields): readonly Problem[] {
    const [heads, width, ...others] = sizes.map((name) => fields.number(`model.${name}`));
    if (width === undefined) return [];
    const [layers = 1, positions = 1, vocabulary = 1] = others;
    const hidden = fields.number("model.hidden") ?? 4 * width;
    const problems: Problem[] = [];
    if (heads !== undefined && width % heads !== 0) {
      problems.push({ path: "model.heads", expected: `a divisor of model.width (${width})`, got: String(heads) });
    }
    if (layers > MOST_LAYERS) {
      problems.push({ path: "model.layers", expected: `at most ${MOST_LAYERS}`, got: String(layers) });
    }
    const parameters = layers * width * (4 * width + 2 * hidden) + (positions + vocabulary) * width;
    if (parameters > MOST_PARAMETERS) {
      const got = `about ${parameters.toExponential(1)} with these sizes`;
      problems.push({ path: "model", expected: `at most ${MOST_PARAMETERS.toExponential()} parameters`, got });
    }
    return problems;
  }
}

const sizes = ["heads", "width", "layers", "positions", "vocabulary"] as const;
