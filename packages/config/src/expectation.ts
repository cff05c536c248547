import { type JsonSchema, optionsOf } from "./json-schema.ts";

/** What a schema accepts, in words: `a whole number from 1 on`, `one of byte, char`, `an object with steps`. */
export function expectation(schema: JsonSchema | undefined): string {
  if (schema === undefined) return "another value";
  const options = optionsOf(schema);
  if (options.length > 1) {
    const kinds = options
      .map(({ properties }) => properties?.["kind"]?.const)
      .filter((kind) => typeof kind === "string");
    if (kinds.length > 0) return `an object whose kind is one of ${kinds.join(", ")}`;
    return [...new Set(options.map(expectation))].join(" or ");
  }
  const [{ type, const: constant, enum: values, ...rest }] = options as readonly [JsonSchema];
  if (values !== undefined) return `one of ${values.map(show).join(", ")}`;
  if (constant !== undefined) return show(constant);
  if (Array.isArray(type)) return type.map((each: string) => expectation({ type: each })).join(" or ");
  switch (type) {
    case "integer":
      return `a whole number${range(rest, true)}`;
    case "number":
      return `a number${range(rest, false)}`;
    case "string":
      return rest.format === "path" ? "a path" : rest.minLength === 1 ? "text that is not empty" : "text";
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    case "array":
      return `a list${rest.minItems === undefined ? "" : ` of at least ${rest.minItems}`}`;
    case "object":
      return object(rest);
    default:
      return "another value";
  }
}

function object({ required = [], properties = {} }: JsonSchema): string {
  if (required.length > 0) return `an object with ${required.join(", ")}`;
  const fields = Object.keys(properties);
  return fields.length === 0 ? "an object" : `an object (${fields.join(", ")})`;
}

/** A value as a recipe would write it. */
function show(value: unknown): string {
  return typeof value === "string" && /^[\w.+-]+$/.test(value) ? value : JSON.stringify(value);
}

/** A value that came, so that it cannot be taken for another type. */
export function showGiven(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "nothing (null)";
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function range(schema: JsonSchema, whole: boolean): string {
  // The safe integers are the range of every whole number, and need no mention.
  const bound = (value: number | undefined): number | undefined =>
    value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER ? value : undefined;
  const least = whole && schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + 1 : schema.minimum;
  const [from, to] = [bound(least), bound(schema.maximum)];
  const [above, below] = [whole ? undefined : bound(schema.exclusiveMinimum), bound(schema.exclusiveMaximum)];
  const words = [
    from === undefined ? "" : to === undefined && below === undefined ? ` from ${from} on` : ` from ${from}`,
    above === undefined ? "" : ` above ${above}`,
    to === undefined ? "" : from === undefined ? ` up to ${to}` : ` to ${to}`,
    below === undefined ? "" : `${from === undefined && above === undefined ? "" : " and"} below ${below}`,
  ];
  return words.join("");
}
