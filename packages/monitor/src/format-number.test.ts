import fc from "fast-check";
import { expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatInteger,
  formatLoss,
  formatPlural,
  formatRate,
  formatShare,
} from "./format-number.ts";

it.each([
  [0, "0"],
  [3.21, "3.2"],
  [42.4, "42"],
  [950, "950"],
  [12_345, "12.3k"],
  [999_940, "999.9k"],
  [999_960, "1.0M"],
  [124_439_808, "124.4M"],
  [1.5e9, "1.5B"],
  [2e13, "20.0T"],
  [-12_345, "-12.3k"],
  [Number.NaN, "NaN"],
])("writes the count %d as %s", (value, text) => expect(formatCount(value)).toBe(text));

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [12_345, "12.3 kB"],
  [10_800_000, "10.8 MB"],
  [1.5e9, "1.5 GB"],
  [2e13, "20.0 TB"],
  [Number.NaN, "NaN B"],
])("writes the size %d as %s", (value, text) => expect(formatBytes(value)).toBe(text));

it.each([
  [0.42, "0.4s"],
  [9.96, "10s"],
  [42.4, "42s"],
  [59.6, "1m 00s"],
  [80, "1m 20s"],
  [3599.6, "1h 00m"],
  [3900, "1h 05m"],
  [86_399, "1d 00h"],
  [183_600, "2d 03h"],
  [Infinity, "Infinity"],
])("writes %d seconds as %s", (value, text) => expect(formatDuration(value)).toBe(text));

it("writes no duration with 60 seconds or minutes, or 24 hours", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (seconds) => {
      expect(formatDuration(seconds)).toMatch(
        /^(\d\.\ds|[1-5]\ds|[1-5]?\dm [0-5]\ds|(1?\d|2[0-3])h [0-5]\dm|\d+d ([01]\d|2[0-3])h)$/,
      );
    }),
  );
});

it("writes the other numbers", () => {
  expect(formatInteger(1_234_567)).toBe("1,234,567");
  expect([formatLoss(2.10341), formatLoss(Number.NaN)]).toEqual(["2.1034", "NaN"]);
  expect(formatRate(0.001)).toBe("1.00e-3");
  expect(formatShare(0.4512)).toBe("45.1 %");
  expect([formatPlural(1, "step"), formatPlural(2000, "step")]).toEqual(["1 step", "2,000 steps"]);
});
