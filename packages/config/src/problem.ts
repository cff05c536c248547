import { nearest } from "@pipe/core";
import { z } from "zod";
import { expectation, showGiven } from "./expectation.ts";
import { chosen, type JsonSchema, schemaAt, valueAt } from "./json-schema.ts";

/** One thing that is wrong with a configuration. */
export type Problem = {
  /** As in `model.heads`. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
  /** Which of the two is wrong; default the value. */
  readonly part?: "key" | "value";
};

/** What zod found, as problems in plain words; an unknown word comes with the nearest known one. */
export function problemsOf(error: z.ZodError, schema: JsonSchema, value: unknown): readonly Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    const given = valueAt(value, path);
    const expected = schemaAt(schema, path, value);
    if (issue.code === "unrecognized_keys") {
      const known = Object.keys((expected && chosen(expected, given))?.properties ?? {});
      return issue.keys.map((key) => unknownKey([...path, key], known));
    }
    return [{ path: path.join("."), expected: wanted(issue, expected, given), got: got(expected, given) }];
  });
}

function unknownKey(path: readonly string[], known: readonly string[]): Problem {
  const near = nearest(path.at(-1)!, known);
  const expected = near === undefined ? `one of ${known.join(", ")}` : `"${near}"`;
  return { path: path.join("."), expected, got: "an unknown key", part: "key" };
}

function wanted(issue: z.core.$ZodIssue, schema: JsonSchema | undefined, given: unknown): string {
  if (!isZodsOwn(issue)) return issue.message;
  if (issue.code === "invalid_union" && "options" in issue) return oneOf(issue.options ?? [], given);
  if (issue.code === "invalid_value") return oneOf(issue.values, given);
  if (issue.code === "invalid_format") {
    return issue.format === "regex" ? `text that matches ${issue.pattern}` : `text in the form of ${issue.format}`;
  }
  return expectation(schema);
}

const { localeError: defaultMessage } = z.locales.en();

/** Whether a message is in zod's words; an author's own say more than a schema does. */
function isZodsOwn(issue: z.core.$ZodIssue): boolean {
  return issue.message.startsWith("Invalid input: expected") || issue.message === defaultMessage(issue as never);
}

function oneOf(values: readonly unknown[], given: unknown): string {
  const words = values.map(String);
  if (words.length === 1) return words[0]!;
  const near = typeof given === "string" ? nearest(given, words) : undefined;
  return `one of ${words.join(", ")}${near === undefined ? "" : ` (did you mean "${near}"?)`}`;
}

function got(schema: JsonSchema | undefined, given: unknown): string {
  const isBare = typeof given === "number" || typeof given === "boolean";
  return `${showGiven(given)}${isBare && schema?.type === "string" ? ` (a ${typeof given}; quotes make it text)` : ""}`;
}
