import { expect, it } from "vitest";
import { nearest } from "./nearest.ts";

it("finds a word that is near, and none that is not", () => {
  expect(nearest("treads", ["threads", "kind"])).toBe("threads");
  expect(nearest("xyz", ["threads", "kind"])).toBe(undefined);
  expect(nearest("a", [])).toBe(undefined);
});
