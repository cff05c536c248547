import { expect, it } from "vitest";
import { messageOf, PipeError } from "./error.ts";

it("says what was expected, what came, where, and what to do", () => {
  const cause = new Error("inner");
  const error = new PipeError("sample-code", "It failed.", {
    expected: "a number",
    got: '"x"',
    where: "a.b",
    fix: "write a number",
    cause,
  });
  expect(error.message).toBe('It failed.\n  expected: a number\n  got: "x"\n  where: a.b\n  fix: write a number');
  expect(error).toMatchObject({ code: "sample-code", fix: "write a number", cause, name: "PipeError" });
});

it("is recognised by code", () => {
  const error = new PipeError("sample-code", "It failed.");
  expect(error.message).toBe("It failed.");
  expect(PipeError.is(error)).toBe(true);
  expect(PipeError.is(error, "sample-code")).toBe(true);
  expect(PipeError.is(error, "other")).toBe(false);
  expect(PipeError.is(new Error("x"))).toBe(false);
});

it("finds the message of anything that was thrown", () => {
  expect(messageOf(new Error("x"))).toBe("x");
  expect(messageOf(3)).toBe("3");
});

it("recognises an error of another copy of the package", () => {
  class PipeErrorCopy extends Error {
    readonly code = "sample-code";
    override readonly name = "PipeError";
  }
  expect(PipeError.is(new PipeErrorCopy("x"), "sample-code")).toBe(true);
});
