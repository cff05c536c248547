import { createPaint, type Paint } from "../paint.ts";
import { formatTick, type Range, stepsOf, ticksOf, valuesOf } from "./axis.ts";
import { BrailleCanvas } from "./braille-canvas.ts";
import type { Panel, PanelLine } from "./panels.ts";

/** Size and look of a chart on a terminal. */
export type TerminalChartOptions = {
  /** Width in characters, from 24 on. */
  readonly columns: number;
  /** Height of the plot in lines, without title and axis. */
  readonly rows: number;
  readonly color: boolean;
};

const COLORS = ["cyan", "yellow", "green", "magenta", "blue", "red"] as const;

/** Draws a panel with braille dots: a title with the legend, the plot beside its axis, the steps below; all equally wide. */
export function terminalChart(panel: Panel, { columns, rows, color }: TerminalChartOptions): readonly string[] {
  const paint = createPaint(color);
  const values = valuesOf(panel);
  const steps = stepsOf(panel.lines);
  const ticks = ticksOf(values, Math.max(2, Math.round(rows / 3)));
  const labels = labelRows(ticks, values, rows);
  const gutter = Math.max(...[...labels.values()].map(({ length }) => length)) + 1;
  const width = columns - gutter - 1;
  const canvas = new BrailleCanvas(width, rows);
  for (const line of panel.lines) drawLine(canvas, line, { steps, values, letters: panel.lines.length });
  const plot = canvas.rows((text, of) => paint(of.faint ? "dim" : COLORS[of.color % COLORS.length]!, text));
  return [
    titleOf(panel, columns, paint),
    ...plot.map((row, index) => {
      const label = labels.get(index);
      return `${paint("dim", `${(label ?? "").padStart(gutter - 1)} ${label === undefined ? "│" : "┤"}`)}${row}`;
    }),
    paint("dim", `${" ".repeat(gutter)}└${"─".repeat(width)}`),
    paint("dim", `${" ".repeat(gutter + 1)}${stepLabels(steps, width)}`),
  ];
}

/** How a line without colours is told from the others: by its letter where runs are compared, else by its marks. */
function markOf(line: PanelLine): string {
  return line.style === "marked" && line.name === "validation" ? "●" : String.fromCharCode(97 + (line.color % 26));
}

function drawLine(
  canvas: BrailleCanvas,
  line: PanelLine,
  { steps, values, letters }: { readonly steps: Range; readonly values: Range; readonly letters: number },
): void {
  const look = { color: line.color, faint: line.style === "faint" };
  const x = (step: number): number => (step - steps.min) / (steps.max - steps.min || 1);
  const y = (value: number): number => (value - values.min) / (values.max - values.min);
  let before: readonly [number, number] | undefined;
  let end: readonly [number, number] | undefined;
  for (const { step, value } of line.points) {
    const at = Number.isFinite(value) ? ([x(step), y(value)] as const) : undefined;
    if (at !== undefined) {
      canvas.line(before ?? at, at, look);
      end = at;
    }
    before = at;
  }
  if (line.style === "marked") {
    for (const { step, value } of line.points) {
      if (Number.isFinite(value)) canvas.mark([x(step), y(value)], markOf(line), look);
    }
  } else if (letters > 1 && line.name !== "training" && !look.faint && end !== undefined) {
    canvas.mark(end, markOf(line), look);
  }
}

function titleOf(panel: Panel, columns: number, paint: Paint): string {
  const shown = panel.lines.filter(({ style }) => style !== "faint");
  const keys =
    shown.length < 2 ? [] : shown.map((line) => ({ line, mark: line.name === "training" ? "─" : markOf(line) }));
  let room = columns - panel.title.length;
  let text = paint("bold", panel.title);
  if (
    panel.unit !== "" &&
    room >= panel.unit.length + 2 + keys.reduce((sum, { line }) => sum + line.name.length + 4, 0)
  ) {
    text += paint("dim", `, ${panel.unit}`);
    room -= panel.unit.length + 2;
  }
  for (const { line, mark } of keys) {
    const key = `  ${mark} ${line.name}`;
    if (key.length > room) break; // the table below the charts names every run
    text += paint(COLORS[line.color % COLORS.length]!, key);
    room -= key.length;
  }
  return `${text}${" ".repeat(Math.max(0, room))}`;
}

/** Labels by the row that they stand in; of two in one row the lower one stays. */
function labelRows(ticks: readonly number[], { min, max }: Range, rows: number): ReadonlyMap<number, string> {
  const row = (value: number): number => Math.round((1 - (value - min) / (max - min)) * (rows - 1));
  return new Map(ticks.toReversed().map((value) => [row(value), formatTick(value)]));
}

/** Round steps, whole ones, each with its first character below its place; the first and last that fit. */
function stepLabels(steps: Range, width: number): string {
  let text = "";
  const most = Math.min(Math.floor(width / 9), steps.max - steps.min);
  for (const step of ticksOf(steps, Math.max(1, most))) {
    const label = step === 0 ? "0" : formatTick(step);
    const place = Math.round(((step - steps.min) / (steps.max - steps.min || 1)) * (width - 1));
    const begin = Math.max(0, Math.min(width - label.length, place - (label.length >> 1)));
    if (begin < text.length + (text === "" ? 0 : 2)) continue;
    text = text.padEnd(begin) + label;
  }
  return text.padEnd(width);
}
