import type { Random } from "@pipe/core";
import type { FitBatch } from "@pipe/train";

/** Points of two spirals that wind around each other one and a half times (Lang and Witbrock, 1988), labelled 0 and 1. */
export function spirals(
  rows: number,
  random: Random,
): { readonly points: FitBatch[string]; readonly labels: FitBatch[string] } {
  const points = new Float32Array(2 * rows);
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const label = random.integer(2);
    const radius = Math.sqrt(random.uniform());
    const angle = 3 * Math.PI * radius + Math.PI * label;
    points[2 * row] = 2 * radius * Math.cos(angle) + 0.03 * random.normal();
    points[2 * row + 1] = 2 * radius * Math.sin(angle) + 0.03 * random.normal();
    labels[row] = label;
  }
  return { points: { shape: [rows, 2], data: points }, labels: { shape: [rows], data: labels } };
}
