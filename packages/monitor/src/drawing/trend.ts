import type { SeriesPoint } from "../series.ts";

/** Share of the points that a mean goes over. */
const SHARE = 1 / 40;

/**
 * Smooths a line: each value becomes the mean of its neighbourhood, a fortieth of the points, as wide on one side as on the
 * other, so that the trend does not lag; only near the end fewer follow than come before. NaN counts for nothing.
 */
export function trendOf(points: readonly SeriesPoint[]): readonly SeriesPoint[] {
  const reach = Math.floor((points.length * SHARE) / 2);
  if (reach === 0) return points;
  // Sums up to each point: a mean is a difference of two.
  const sums = [0];
  const counts = [0];
  for (const { value } of points) {
    const finite = Number.isFinite(value);
    sums.push(sums.at(-1)! + (finite ? value : 0));
    counts.push(counts.at(-1)! + (finite ? 1 : 0));
  }
  return points.map(({ step }, index) => {
    const side = Math.min(reach, index);
    const [begin, end] = [index - side, Math.min(index + side + 1, points.length)];
    return { step, value: (sums[end]! - sums[begin]!) / (counts[end]! - counts[begin]!) };
  });
}
