import { PipeError, Random } from "@pipe/core";
import { describe, expect, it } from "vitest";
import { Whitening } from "./whitening.ts";

/** Vectors whose dimensions go together, around a mean that is far away. */
function sampleOf(seed: number, count: number, dimensions: number): Float32Array[] {
  const random = new Random(seed);
  const mix = Array.from({ length: dimensions }, (_, i) =>
    Array.from({ length: dimensions }, (_, j) => random.normal() + (i === j ? 5 : 0)),
  );
  return Array.from({ length: count }, () => {
    const free = Array.from({ length: dimensions }, () => random.normal());
    return Float32Array.from(mix, (row) => 5 + row.reduce((sum, share, at) => sum + share * free[at]!, 0));
  });
}

function covarianceOf(vectors: readonly Float32Array[], i: number, j: number): number {
  const mean = (at: number): number => vectors.reduce((sum, vector) => sum + vector[at]!, 0) / vectors.length;
  const [first, second] = [mean(i), mean(j)];
  return vectors.reduce((sum, vector) => sum + (vector[i]! - first) * (vector[j]! - second), 0) / vectors.length;
}

describe("Whitening", () => {
  it("has known numbers for a sample of four", async () => {
    // Mean (1, 1), covariance [[1, 0], [0, 4]].
    const sample = [
      [0, -1],
      [2, 3],
      [0, 3],
      [2, -1],
    ].map((vector) => Float32Array.from(vector));
    const whitening = await Whitening.of(sample);
    const [x, y] = whitening.apply(Float32Array.of(3, 5));
    expect(x).toBeCloseTo(2, 3);
    expect(y).toBeCloseTo(2, 3);
    expect([...whitening.apply(Float32Array.of(1, 1))]).toEqual([0, 0]);
  });

  it("law: gives its sample the mean zero and nearly the identity as covariance", async () => {
    for (let seed = 0; seed < 8; seed++) {
      const sample = sampleOf(seed, 60, 6);
      const whitening = await Whitening.of(sample);
      const white = sample.map((vector) => whitening.apply(vector));
      for (let i = 0; i < 6; i++) {
        expect(white.reduce((sum, vector) => sum + vector[i]!, 0) / white.length).toBeCloseTo(0, 4);
        for (let j = 0; j < 6; j++) {
          const off = Math.abs(covarianceOf(white, i, j) - (i === j ? 1 : 0));
          // A little is added to each variance.
          expect(off).toBeLessThan(0.01);
        }
      }
    }
  });

  it("law: comes back from its bytes with every number, and has the same id only then", async () => {
    for (let seed = 0; seed < 8; seed++) {
      const sample = sampleOf(seed, 20, 4);
      const whitening = await Whitening.of(sample);
      const again = await Whitening.from(whitening.bytes());
      expect(again.apply(sample[3]!)).toEqual(whitening.apply(sample[3]!));
      expect([again.id, again.dimensions]).toEqual([whitening.id, 4]);
      expect((await Whitening.of(sample)).id).toBe(whitening.id);
      expect((await Whitening.of(sample.slice(1))).id).not.toBe(whitening.id);
    }
  });

  it("keeps a dimension that never varies, and takes vectors of its dimensions only", async () => {
    const sample = sampleOf(1, 12, 3).map((vector) => vector.with(2, 7));
    const whitening = await Whitening.of(sample);
    expect(sample.every((vector) => whitening.apply(vector).every(Number.isFinite))).toBe(true);
    expect(() => whitening.apply(new Float32Array(2))).toThrow(RangeError);
  });

  it("refuses samples that are too small or all alike, and bytes that are not whole", async () => {
    const code = async (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => "none",
        (error: unknown) => (PipeError.is(error) ? error.code : String(error)),
      );
    expect(await code(Whitening.of([]))).toBe("whitening-sample-small");
    expect(await code(Whitening.of(sampleOf(1, 5, 3)))).toBe("whitening-sample-small");
    expect(await code(Whitening.of(Array.from({ length: 9 }, () => Float32Array.of(1, 2))))).toBe(
      "whitening-sample-alike",
    );
    const bytes = (await Whitening.of(sampleOf(1, 12, 3))).bytes();
    expect(await code(Whitening.from(bytes.slice(0, -1)))).toBe("whitening-damaged");
    expect(await code(Whitening.from(bytes.with(5, bytes[5]! ^ 1)))).toBe("whitening-damaged");
    expect(await code(Whitening.from(new Uint8Array(3)))).toBe("whitening-damaged");
  });
});
