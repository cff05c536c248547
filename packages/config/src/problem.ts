import { z } from "zod";
import { nearest } from "./nearest.ts";

/** One thing that is wrong with a configuration. */
export type Problem = {
  /** As in `model.heads`. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
};

type JsonSchema = {
  readonly properties?: { readonly [key: string]: JsonSchema };
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
};

/** What zod found, as problems; an unknown key comes with the nearest known one. */
export function problemsOf(error: z.ZodError, schema: z.ZodType, value: unknown): readonly Problem[] {
  const json = z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path.map(String);
    const place = path.join(".");
    const got = at(value, path);
    if (issue.code === "unrecognized_keys") {
      const known = Object.keys(schemaAt(json, path, value)?.properties ?? {});
      return issue.keys.map((key) => {
        const near = nearest(key, known);
        const expected = near === undefined ? `one of ${known.join(", ")}` : `"${near}"`;
        return { path: [...path, key].join("."), expected, got: "an unknown key" };
      });
    }
    if (issue.code === "invalid_union" && path.at(-1) === "kind") {
      const options = kindsAt(json, path.slice(0, -1), value);
      const near = typeof got === "string" ? nearest(got, options) : undefined;
      const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
      return [{ path: place, expected: `one of ${options.join(", ")}${hint}`, got: show(got) }];
    }
    if (issue.code === "invalid_type") return [{ path: place, expected: issue.expected, got: show(got) }];
    return [{ path: place, expected: issue.message, got: show(got) }];
  });
}

/** A value as a person would write it. */
function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as { [key: string]: unknown } | undefined | null)?.[key], value);
}

/** The schema of what stands at a path; of alternatives, the one whose `kind` is that of the value. */
function schemaAt(schema: JsonSchema, path: readonly string[], value: unknown): JsonSchema | undefined {
  const kind = (value as { kind?: unknown } | undefined | null)?.kind;
  const options = schema.anyOf ?? schema.oneOf;
  const chosen = options === undefined ? schema : options.find((option) => option.properties?.["kind"]?.const === kind);
  const [key, ...rest] = path;
  if (key === undefined || chosen === undefined) return chosen;
  const next = chosen.properties?.[key] ?? chosen.items;
  return next === undefined ? undefined : schemaAt(next, rest, at(value, [key]));
}

function kindsAt(schema: JsonSchema, path: readonly string[], value: unknown): string[] {
  const parent = path.length === 0 ? schema : schemaAt(schema, path.slice(0, -1), value);
  const last = path.at(-1);
  const port = last === undefined ? parent : (parent?.properties?.[last] ?? parent?.items);
  const options = port?.anyOf ?? port?.oneOf ?? (port === undefined ? [] : [port]);
  return options.flatMap((option) => {
    const kind = option.properties?.["kind"]?.const;
    return typeof kind === "string" ? [kind] : [];
  });
}
