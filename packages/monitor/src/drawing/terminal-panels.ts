import type { Panel } from "./panels.ts";
import { terminalChart } from "./terminal-chart.ts";

/** Characters of a small chart at least. */
const LEAST = 36;

/**
 * Draws panels for a terminal: those of the loss over the whole width, the others smaller below, in one row of two or three
 * where they fit, and the rest left out.
 */
export function terminalPanels(
  panels: readonly Panel[],
  { columns, color }: { readonly columns: number; readonly color: boolean },
): string {
  const big = panels.filter(({ figure }) => figure === "loss");
  const gap = 3;
  const fitting = Math.min(3, Math.floor((columns + gap) / (LEAST + gap)));
  const small = panels.filter(({ figure }) => figure !== "loss").slice(0, Math.max(2, fitting));
  const perRow = fitting < 2 ? 1 : small.length;
  const width = Math.floor((columns - gap * (perRow - 1)) / perRow);
  const blocks = big.map((panel) => terminalChart(panel, { columns, rows: 12, color }));
  for (let i = 0; i < small.length; i += perRow) {
    const row = small.slice(i, i + perRow).map((panel) => terminalChart(panel, { columns: width, rows: 5, color }));
    blocks.push(row[0]!.map((_, line) => row.map((chart) => chart[line]!).join(" ".repeat(gap))));
  }
  return `${blocks.map((lines) => lines.map((line) => line.trimEnd()).join("\n")).join("\n\n")}\n`;
}
