import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Series, type SeriesPoint } from "./series.ts";

const value = fc.oneof({ weight: 9, arbitrary: fc.double({ noNaN: true }) }, fc.constant(Number.NaN));

function filled(values: readonly number[], capacity: number): Series {
  const series = new Series(capacity);
  for (const [step, each] of values.entries()) series.add(step, each);
  return series;
}

const stepsOf = (points: readonly SeriesPoint[]): number[] => points.map(({ step }) => step);

describe("Series", () => {
  it("keeps every point while there is room", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 20 }), (values) => {
        expect(filled(values, 20).points).toEqual(values.map((each, step) => ({ step, value: each })));
      }),
    );
  });

  it("keeps the first, the newest, the least and the greatest value of any number, in order and bounded", () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 500 }),
        fc.integer({ min: 2, max: 20 }),
        (values, capacity) => {
          const series = filled(values, capacity);
          const { points, last } = series;
          expect(points.length).toBeLessThanOrEqual(2 * capacity + 2);
          expect(stepsOf(points)).toEqual([...new Set(stepsOf(points))].sort((a, b) => a - b));
          for (const point of points) expect(point.value).toBe(values[point.step]);
          expect([points[0]!.step, points.at(-1)!.step, last!.step]).toEqual([0, values.length - 1, values.length - 1]);
          const finite = values.filter((each) => !Number.isNaN(each));
          const kept = points.map((point) => point.value).filter((each) => !Number.isNaN(each));
          expect([Math.min(...kept), Math.max(...kept)]).toEqual([Math.min(...finite), Math.max(...finite)]);
        },
      ),
    );
  });

  it("keeps a single spike among a million values", () => {
    const series = new Series(100);
    for (let step = 1; step <= 1_000_000; step++) series.add(step, step === 123_457 ? 99 : Math.sin(step));
    expect(series.points).toContainEqual({ step: 123_457, value: 99 });
    expect(series.points.length).toBeLessThanOrEqual(202);
  });

  it("forgets what came after a step, and goes on from there", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), fc.nat(200), (values, cut) => {
        const series = filled(values, 8);
        const before = series.points;
        series.cut(cut);
        expect(stepsOf(series.points).every((step) => step <= cut)).toBe(true);
        // What is left was there before: nothing is made up.
        expect(before).toEqual(expect.arrayContaining([...series.points]));
        if (values.length > 0) expect(series.points[0]!.step).toBe(0);
        series.add(cut + 1, 7);
        expect(series.last).toEqual({ step: cut + 1, value: 7 });
        expect(series.points.at(-1)).toEqual({ step: cut + 1, value: 7 });
      }),
    );
  });

  it("is empty before its first value, and after a cut before it", () => {
    const series = new Series(4);
    expect([series.points, series.last]).toEqual([[], undefined]);
    series.cut(3);
    series.add(5, 1);
    series.cut(4);
    expect([series.points, series.last]).toEqual([[], undefined]);
  });
});
