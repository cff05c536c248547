import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkMesh, isSplit, partOf } from "./mesh.ts";
import { meshFlags } from "./mesh-flags.ts";

const float = (...shape: number[]) => ({ shape, dtype: "float32" }) as const;

describe("what the devices of a mesh keep", () => {
  it("is parts of batches, and parts of larger state where it is shared", () => {
    expect(isSplit({ data: 2 }, float(4, 8), true)).toBe(true);
    expect(isSplit({ data: 2 }, float(64, 64))).toBe(false);
    expect(isSplit({ data: 2, fsdp: true }, float(64, 64))).toBe(true);
    expect(isSplit({ data: 2, fsdp: true }, float(31, 64))).toBe(false);
    expect(isSplit({ data: 2, fsdp: true }, float(768))).toBe(false);
    expect(isSplit({ data: 1, fsdp: true }, float(64, 64), true)).toBe(false);
    expect(isSplit({ data: 2, fsdp: true }, float(), true)).toBe(false);
  });

  it("adds up to the whole", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 9 }), fc.nat(5), (data, rows, width) => {
        const { shape } = partOf({ data }, float(rows * data, width));
        expect(shape).toEqual([rows, width]);
      }),
    );
  });

  it("is decided for a whole number of devices only", () => {
    checkMesh({ data: 3 });
    for (const data of [0, -1, 1.5]) {
      expect(() => checkMesh({ data })).toThrow(expect.objectContaining({ code: "mesh-invalid" }));
    }
  });
});

it("the older form of shardings is asked for where there is a newer one", () => {
  expect(meshFlags([0, 106], 2)).toEqual({});
  expect(meshFlags([0, 116], 1)).toEqual({});
  expect(meshFlags([0, 116], 2)).toEqual({ xla_enable_hlo_sharding_v3: false });
});
