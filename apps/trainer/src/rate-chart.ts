import type { LearningRateReport } from "@pipe/optim";

const HEIGHT = 14;
/** Dots of a braille character by row, from the top: its left and its right column. */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** The losses to show: what diverges at the end is cut off a little above where the search began. */
export function lossRange({ points }: LearningRateReport): { readonly low: number; readonly high: number } {
  const losses = points.map(({ smoothed }) => smoothed);
  const low = Math.min(...losses);
  return { low, high: Math.min(Math.max(...losses), losses[0]! + 0.3 * (losses[0]! - low || 1)) };
}

/** The smoothed loss over the rate (logarithmic) for a terminal, with a mark under the suggestion. */
export function rateChart(report: LearningRateReport, { width }: { readonly width: number }): string {
  const { points, suggestion } = report;
  const { low, high } = lossRange(report);
  const losses = points.map(({ smoothed }) => Math.min(smoothed, high));
  const label = Math.max(high.toFixed(2).length, low.toFixed(2).length);
  const columns = Math.max(20, width - label - 3);
  const cells = Array.from({ length: HEIGHT }, () => new Uint8Array(columns));
  const [first, last] = [Math.log(points[0]!.rate), Math.log(points.at(-1)!.rate)];
  for (let x = 0; x < 2 * columns; x++) {
    const at = (x / (2 * columns - 1)) * (points.length - 1);
    const [left, right] = [losses[Math.floor(at)]!, losses[Math.ceil(at)]!];
    const value = left + (at % 1) * (right - left);
    const share = high > low ? (high - value) / (high - low) : 1;
    const y = Math.round(share * (4 * HEIGHT - 1));
    cells[y >> 2]![x >> 1]! |= DOTS[y & 3]![x & 1]!;
  }
  const lines = cells.map((row, i) => {
    const text = i === 0 ? high.toFixed(2) : i === HEIGHT - 1 ? low.toFixed(2) : "";
    return `${text.padStart(label)} │${Array.from(row, (dots) => (dots === 0 ? " " : String.fromCharCode(0x2800 + dots))).join("")}`;
  });
  const place = Math.round(((Math.log(suggestion) - first) / (last - first)) * (columns - 1));
  const mark = `${" ".repeat(Math.min(columns - 1, Math.max(0, place)))}▲`;
  const [begin, end] = [points[0]!.rate, points.at(-1)!.rate].map((rate) => rate.toExponential(0)) as [string, string];
  const indent = " ".repeat(label + 2);
  return [
    `${"loss".padStart(label)} over the learning rate`,
    ...lines,
    `${" ".repeat(label)} └${"─".repeat(columns)}`,
    `${indent}${mark}`,
    `${indent}${begin}${end.padStart(columns - begin.length)}`,
  ].join("\n");
}
