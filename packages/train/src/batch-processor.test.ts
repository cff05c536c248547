import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchProcessor } from "./batch-processor.ts";

const specs = {
  ids: { shape: [3, 2], dtype: "int32" },
  mask: { shape: [3], dtype: "bool" },
  weights: { shape: [3, 2], dtype: "float32" },
} as const;
const processor = new BatchProcessor(specs);
const { weights: _, ...unweighted } = specs;

describe("BatchProcessor", () => {
  it("hands whole batches on without a copy", () => {
    const whole = { ids: new Int32Array(6), mask: new Uint8Array(3), weights: new Float32Array(6) };
    expect(Object.values(processor.process(whole)).every((array, i) => array === Object.values(whole)[i])).toBe(true);
  });

  it("pads short batches with rows of weight 0, and counts all real rows where there are no weights", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.boolean(), (rows, weighted) => {
        const feeds = processor.process({
          ids: new Int32Array(rows * 2).fill(7),
          mask: new Uint8Array(rows).fill(1),
          ...(weighted ? { weights: new Float32Array(rows * 2).fill(0.5) } : {}),
        });
        const row = [0, 1, 2].map((i) => i < rows);
        expect([...feeds["mask"]!]).toEqual(row.map(Number));
        expect([...feeds["ids"]!]).toEqual(row.flatMap((real) => (real ? [7, 7] : [0, 0])));
        const weight = weighted ? 0.5 : 1;
        expect([...feeds["weights"]!]).toEqual(row.flatMap((real) => (real ? [weight, weight] : [0, 0])));
      }),
    );
  });

  it("leaves out arrays that the model does not read", () => {
    const feeds = processor.process({ ids: new Int32Array(6), mask: new Uint8Array(3), other: new Int32Array(1) });
    expect(Object.keys(feeds)).toEqual(["ids", "mask", "weights"]);
  });

  it.each([
    [{ ids: new Int32Array(6) }, "batch-invalid", /expected: ids, mask, weights\n {2}got: ids/],
    [{}, "batch-invalid", /lacks an array/],
    [{ ids: new Int32Array(4), mask: new Uint8Array(3) }, "batch-invalid", /got: ids 2, mask 3/],
    [{ ids: new Int32Array(3), mask: new Uint8Array(1) }, "batch-invalid", /got: ids 1.5, mask 1/],
    [{ ids: new Int32Array(8), mask: new Uint8Array(4) }, "batch-invalid", /expected: at most 3 rows/],
    [{ ids: new Float32Array(6), mask: new Uint8Array(3) }, "input-mismatch", /where: batch\/ids/],
    [{ ids: new Float32Array(4), mask: new Uint8Array(2) }, "input-mismatch", /where: batch\/ids/],
  ])("refuses batch %#", (arrays, code, message) => {
    expect(() => processor.process(arrays)).toThrow(message);
    expect(() => processor.process(arrays)).toThrow(expect.objectContaining({ code }));
  });

  it("cannot pad where nothing says which rows count", () => {
    const short = { ids: new Int32Array(4), mask: new Uint8Array(2) };
    expect(() => new BatchProcessor(unweighted).process(short)).toThrow("does not fit");
  });

  it("wants the same number of rows everywhere", () => {
    const uneven = { ...unweighted, mask: { shape: [2], dtype: "bool" } } as const;
    expect(() => new BatchProcessor(uneven)).toThrow("got: ids [3, 2], mask [2]");
    expect(() => new BatchProcessor({})).toThrow("same number of rows");
    expect(() => new BatchProcessor({ x: { shape: [], dtype: "bool" } })).toThrow("same number of rows");
  });
});
