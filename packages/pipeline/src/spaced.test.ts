import { expect, it } from "vitest";
import { spaced } from "./spaced.ts";

it("passes on what comes long enough after the last, and drops the rest", () => {
  const passed: number[] = [];
  let time = 0;
  const tell = spaced(
    10,
    (value: number) => passed.push(value),
    () => time,
  );
  for (time = 1; time <= 25; time++) tell(time);
  expect(passed).toEqual([10, 20]);
});
