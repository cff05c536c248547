import { type JsonSchema, optionsOf, valueAt } from "./json-schema.ts";
import { places } from "./places.ts";

type Writable = { required?: string[]; properties?: JsonSchema["properties"]; allOf?: object[]; anyOf?: object[] };

/** What a model that starts from stored weights brings along: `required` of these sections does not hold then. */
const BROUGHT = ["tokenizer", "sequenceLength"];

/**
 * The schema for editors, which sees a recipe before anything is filled in: a kind that is the only default of its port may
 * be left out, and with `model.from` kind and sizes of the model, the tokenizer and the length of a row.
 */
export function withOptionalFields(schema: JsonSchema): JsonSchema {
  const copy = structuredClone(schema) as JsonSchema & Writable;
  for (const { path, port, defaults } of places) {
    const component = valueAt(copy, propertyPath(path)) as JsonSchema | undefined;
    if (component === undefined) continue;
    for (const option of optionsOf(component) as Writable[]) {
      if (defaults.length === 1 && option.properties?.["kind"]?.const === defaults[0]) dropRequired(option, ["kind"]);
      if (port === "model") unlessFrom(option);
    }
  }
  const data = valueAt(copy, propertyPath(["data"])) as Writable | undefined;
  if (data !== undefined) {
    const brought = dropRequired(data, BROUGHT);
    const whole = { properties: { data: { required: brought } } };
    copy.anyOf = [whole, { properties: { model: { required: ["from"] } } }];
  }
  return copy;
}

function propertyPath(path: readonly string[]): string[] {
  return path.flatMap((key) => ["properties", key]);
}

/** Takes names out of what is required, and returns those that were there. */
function dropRequired(schema: Writable, names: readonly string[]): string[] {
  const before = schema.required ?? [];
  schema.required = before.filter((key) => !names.includes(key));
  return before.filter((key) => names.includes(key));
}

/** Requires what was required, or `from`. */
function unlessFrom(option: Writable): void {
  const { required = [] } = option;
  option.required = [];
  option.allOf = [{ anyOf: [{ required }, { required: ["from"] }] }];
}
