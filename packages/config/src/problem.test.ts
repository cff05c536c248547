import { describe, expect, it } from "vitest";
import { z } from "zod";
import { jsonSchemaOf } from "./json-schema.ts";
import { problemsOf } from "./problem.ts";

/** The one problem of a value, as `expected …, got …`. */
function say(schema: z.ZodType, value: unknown): string {
  const [problem, ...more] = problemsOf(schema.safeParse(value).error!, jsonSchemaOf(schema), value);
  expect(more).toEqual([]);
  return `expected ${problem!.expected}, got ${problem!.got}`;
}

describe("problems in our own words", () => {
  it.each<[z.ZodType, unknown, string]>([
    [z.int().positive(), 0.5, "expected a whole number from 1 on, got 0.5"],
    [z.int().min(2).max(5), 6, "expected a whole number from 2 to 5, got 6"],
    [z.int().lt(5), 6, "expected a whole number below 5, got 6"],
    [z.number().gt(0).lt(1), 1, "expected a number above 0 and below 1, got 1"],
    [z.number().min(0).lt(1), 1, "expected a number from 0 and below 1, got 1"],
    [z.number().max(3), 4, "expected a number up to 3, got 4"],
    [z.number(), Number.NaN, "expected a number, got NaN"],
    [z.number().nullable(), "x", 'expected a number or null, got "x"'],
    [z.boolean(), "yes", 'expected true or false, got "yes"'],
    [z.string(), true, "expected text, got true (a boolean; quotes make it text)"],
    [z.string().min(1), "", 'expected text that is not empty, got ""'],
    [z.string().regex(/^a/), "b", 'expected text that matches /^a/, got "b"'],
    [z.string().regex(/^a/, { error: "a word with a" }), "b", 'expected a word with a, got "b"'],
    [z.email(), "b", 'expected text in the form of email, got "b"'],
    [z.enum(["left", "right"]), "rigth", 'expected one of left, right (did you mean "right"?), got "rigth"'],
    [z.literal("only"), null, "expected only, got nothing (null)"],
    [z.array(z.int()).min(2), [1], "expected a list of at least 2, got [1]"],
    [z.array(z.int()), {}, "expected a list, got {}"],
    [z.union([z.string(), z.int()]), [], "expected text or a whole number, got []"],
    [z.object({}), 1, "expected an object, got 1"],
    [z.object({ a: z.int().optional() }), undefined, "expected an object (a), got nothing"],
    [z.custom<string>(() => false), "x".repeat(99), `expected another value, got "${"x".repeat(56)}…`],
    [z.date(), "x", 'expected another value, got "x"'],
    [z.number().refine(() => false, { error: "an even number" }), 3, "expected an even number, got 3"],
    [z.record(z.string(), z.int()), { a: "b" }, 'expected a whole number, got "b"'],
  ])("%#", (schema, value, message) => {
    expect(say(schema, value)).toBe(message);
  });

  it("names the kinds of components, and the keys of the one that is meant", () => {
    const component = z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("a"), size: z.int() }),
      z.strictObject({ kind: z.literal("b") }),
    ]);
    expect(say(component, { kind: "c" })).toBe('expected one of a, b, got "c"');
    expect(say(component, 3)).toBe("expected an object whose kind is one of a, b, got 3");
    expect(say(component, { kind: "b", size: 1 })).toBe("expected one of kind, got an unknown key");
    expect(say(z.array(component), [{ kind: "a", size: "x" }])).toBe('expected a whole number, got "x"');
    expect(say(z.array(component).or(z.string()), 3)).toBe("expected a list or text, got 3");
  });
});
