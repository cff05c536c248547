import { bytesOf } from "@pipe/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { externalName, externalSpec, fromExternal, toExternal } from "./external-layout.ts";
import { parameter } from "./snapshot.test.fixture.ts";

it("cuts padded rows and puts zeros in their place", () => {
  const padded = parameter("wte", [3, 2], { name: "transformer.wte", shape: [2, 2] });
  expect([externalName(padded), externalSpec(padded)]).toEqual([
    "transformer.wte",
    { shape: [2, 2], dtype: "float32" },
  ]);
  const stored = toExternal(padded, bytesOf(Float32Array.of(1, 2, 3, 4, 0, 0)));
  expect(stored).toEqual(bytesOf(Float32Array.of(1, 2, 3, 4)));
  expect(fromExternal(padded, stored)).toEqual(bytesOf(Float32Array.of(1, 2, 3, 4, 0, 0)));
});

it("turns, then cuts", () => {
  const head = parameter("head", [2, 3], { name: "head", transposed: true, shape: [2, 2] });
  expect(externalSpec(head).shape).toEqual([2, 2]);
  const stored = toExternal(head, bytesOf(Float32Array.of(1, 2, 0, 3, 4, 0)));
  expect(stored).toEqual(bytesOf(Float32Array.of(1, 3, 2, 4)));
  expect(fromExternal(head, stored)).toEqual(bytesOf(Float32Array.of(1, 2, 0, 3, 4, 0)));
});

it("turns masks too, and bytes at any offset", () => {
  const mask = parameter("mask", [2, 3], { name: "mask", transposed: true }, "bool");
  expect([...toExternal(mask, Uint8Array.of(1, 0, 1, 0, 0, 1))]).toEqual([1, 0, 0, 0, 1, 1]);
  const shifted = new Uint8Array(9).subarray(1);
  shifted.set(bytesOf(Float32Array.of(1, 2)));
  const row = parameter("row", [1, 2], { name: "row", transposed: true });
  expect(toExternal(row, shifted)).toEqual(bytesOf(Float32Array.of(1, 2)));
});

it("comes back from the file as it was, for any matrix", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), (rows, columns) => {
      const values = bytesOf(Float32Array.from({ length: rows * columns }, (_, i) => i));
      const turned = parameter("w", [rows, columns], { name: "w", transposed: true });
      expect(fromExternal(turned, toExternal(turned, values))).toEqual(values);
    }),
  );
});

it("names parameters that cannot be laid out so", () => {
  const wrong = [
    parameter("w", [2, 3], { name: "w", shape: [2, 2] }),
    parameter("w", [2, 3], { name: "w", shape: [3, 3] }),
    parameter("w", [2, 3], { name: "w", shape: [2] }),
    parameter("w", [2, 3, 4], { name: "w", transposed: true }),
  ];
  for (const spec of wrong) expect(() => externalSpec(spec)).toThrow("external layout does not fit its shape");
  expect(externalName(parameter("w", [1]))).toBe("w");
});
