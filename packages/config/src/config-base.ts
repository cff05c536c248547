import { z } from "zod";
import type { Problem } from "./problem.ts";

/** A section of a recipe: its schema, and what must hold between its fields. */
export abstract class ConfigBase<Schema extends z.ZodType = z.ZodType> {
  /** Its name in a recipe. */
  readonly section: string;
  readonly schema: Schema;

  constructor(section: string, schema: Schema) {
    this.section = section;
    this.schema = schema;
  }

  /** What is wrong between fields that are valid by themselves; `value` is the section, `whole` the experiment. */
  check(_value: z.output<Schema>, _whole: { readonly [section: string]: unknown }): readonly Problem[] {
    return [];
  }

  /** The section as JSON Schema. */
  jsonSchema(): { readonly [key: string]: unknown } {
    return z.toJSONSchema(this.schema, { io: "input" });
  }
}
