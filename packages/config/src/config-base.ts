import type { z } from "zod";
import type { Fields } from "./fields.ts";
import { type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
import type { Problem } from "./problem.ts";

/** A section of a recipe: its schema, and what must hold between fields. */
export abstract class ConfigBase<Schema extends z.ZodType = z.ZodType> {
  /** Its name in a recipe. */
  readonly section: string;
  readonly schema: Schema;

  constructor(section: string, schema: Schema) {
    this.section = section;
    this.schema = schema;
  }

  /** What is wrong between fields, of this section and others. A field that is wrong by itself may be missing here. */
  check(_fields: Fields): readonly Problem[] {
    return [];
  }

  /** The section as JSON Schema. */
  jsonSchema(): JsonSchema {
    return jsonSchemaOf(this.schema);
  }
}
