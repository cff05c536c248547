import { z } from "zod";

/** The parts of JSON Schema that are read here. */
export type JsonSchema = {
  readonly type?: string | readonly string[];
  readonly properties?: { readonly [key: string]: JsonSchema };
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly description?: string;
  readonly default?: unknown;
};

/** What a zod schema accepts, as JSON Schema; what JSON Schema cannot say is left open. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

/** The alternatives of a schema, or itself. */
export function optionsOf(schema: JsonSchema): readonly JsonSchema[] {
  return schema.anyOf ?? schema.oneOf ?? [schema];
}

/** The schema of what stands at a path; of alternatives, that whose constants are those of the value. */
export function schemaAt(schema: JsonSchema, path: readonly string[], value: unknown): JsonSchema | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const inner = childOf(schema, key, value);
  return inner === undefined ? undefined : schemaAt(inner, rest, fieldOf(value, key));
}

/** The schema of a field of an object, or of an item of a list. */
export function childOf(schema: JsonSchema, key: string, value: unknown): JsonSchema | undefined {
  const { properties = {}, items, additionalProperties } = chosen(schema, value) ?? {};
  return properties[key] ?? items ?? (typeof additionalProperties === "object" ? additionalProperties : undefined);
}

/** The alternative that a value belongs to. */
export function chosen(schema: JsonSchema, value: unknown): JsonSchema | undefined {
  const options = optionsOf(schema);
  if (options.length === 1) return options[0];
  return options.find(({ properties = {}, items }) => {
    if (Array.isArray(value)) return items !== undefined;
    const constants = Object.entries(properties).filter(([, { const: constant }]) => constant !== undefined);
    return constants.length > 0 && constants.every(([key, field]) => fieldOf(value, key) === field.const);
  });
}

/** A field of anything that may have fields. */
export function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as { readonly [key: string]: unknown })[key]
    : undefined;
}

/** What stands at a path of anything. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce(fieldOf, value);
}
