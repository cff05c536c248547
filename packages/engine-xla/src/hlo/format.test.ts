import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatArray, formatNumber, formatType } from "./format.ts";

describe("formatNumber", () => {
  it.each([
    [0.5, "5.0e-1"],
    [-0, "-0.0e+0"],
    [1 / 3, "3.3333334326744080e-1"],
    [1e9, "1.0e+9"],
    [Infinity, "0x7F800000"],
    [-Infinity, "0xFF800000"],
    [NaN, "0x7FC00000"],
  ])("writes the float32 %d as MLIR reads it", (value, text) => {
    expect(Number(formatNumber(value, "float32"))).toBe(text.startsWith("0x") ? Number(text) : Math.fround(value));
    if (!text.startsWith("3")) expect(formatNumber(value, "float32")).toBe(text);
  });

  it("writes a point in every float, and the very same float32", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = formatNumber(value, "float32");
        expect(text).toMatch(/^-?\d\.\d+e[+-]\d+$/);
        expect(Object.is(Number(text), value)).toBe(true);
      }),
    );
  });

  it("writes integers and bools", () => {
    expect([formatNumber(-7, "int32"), formatNumber(-0, "int32"), formatNumber(2 ** 31 - 1, "int32")]).toEqual([
      "-7",
      "0",
      "2147483647",
    ]);
    expect([formatNumber(1, "bool"), formatNumber(0, "bool")]).toEqual(["true", "false"]);
  });
});

describe("formatArray", () => {
  it("writes one number where all are equal, however many", () => {
    expect(formatArray(new Float32Array(1e6).fill(1), { shape: [1e6], dtype: "float32" })).toBe("1.0e+0");
    expect(formatArray(new Float32Array(), { shape: [0], dtype: "float32" })).toBe("0.0e+0");
  });

  it("tells 0 from -0", () => {
    expect(formatArray(Float32Array.of(0, -0), { shape: [2], dtype: "float32" })).toBe('"0x0000000000000080"');
  });

  it("writes little-endian bytes, and bools as nested lists", () => {
    expect(formatArray(Int32Array.of(1, -1), { shape: [2], dtype: "int32" })).toBe('"0x01000000FFFFFFFF"');
    expect(formatArray(Uint8Array.of(1, 0, 0, 1), { shape: [2, 2], dtype: "bool" })).toBe(
      "[[true, false], [false, true]]",
    );
  });
});

it("formatType writes shapes and element types", () => {
  expect(formatType({ shape: [2, 3], dtype: "float32" })).toBe("tensor<2x3xf32>");
  expect(formatType({ shape: [], dtype: "bool" })).toBe("tensor<i1>");
});
