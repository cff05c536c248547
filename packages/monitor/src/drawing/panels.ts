import type { MetricsCollector } from "../metrics-collector.ts";
import type { SeriesPoint } from "../series.ts";
import { trendOf } from "./trend.ts";

/** A run to draw. */
export type RunCurves = { readonly name: string; readonly metrics: MetricsCollector };

/** A line of a panel. */
export type PanelLine = {
  /** What the legend says. */
  readonly name: string;
  /** Place in the palette. */
  readonly color: number;
  /** `faint`: single values behind their trend, not in the legend. `marked`: few values, each with a mark. */
  readonly style: "faint" | "line" | "marked";
  readonly points: readonly SeriesPoint[];
};

/** One set of axes. */
export type Panel = {
  readonly title: string;
  readonly unit: string;
  readonly figure: "loss" | "rate" | "count";
  readonly lines: readonly PanelLine[];
};

/**
 * Decides what is drawn of runs: for one its loss (training and validation), learning rate, throughput and gradient norm;
 * for several the same figure of all in one panel. A panel without points is left out.
 */
export function panelsOf(runs: readonly RunCurves[]): readonly Panel[] {
  const each = (series: string, style: "line" | "marked"): readonly PanelLine[] =>
    runs.map(({ name, metrics }, color) => ({ name, color, style, points: metrics.series(series) }));
  const trends = (series: string): readonly PanelLine[] =>
    each(series, "line").map((line) => ({ ...line, points: trendOf(line.points) }));
  const losses: readonly Panel[] =
    runs.length === 1
      ? [{ title: "Loss", unit: "nats a token", figure: "loss", lines: lossLines(runs[0]!) }]
      : [
          { title: "Training loss", unit: "nats a token", figure: "loss", lines: trends("loss") },
          { title: "Validation loss", unit: "nats a token", figure: "loss", lines: each("validation/loss", "marked") },
        ];
  const panels: readonly Panel[] = [
    ...losses,
    { title: "Learning rate", unit: "", figure: "rate", lines: each("rate", "line") },
    { title: "Throughput", unit: "tokens a second", figure: "count", lines: each("tokensPerSecond", "line") },
    ...(runs.length === 1
      ? [{ title: "Gradient norm", unit: "before clipping", figure: "count" as const, lines: trends("norm") }]
      : []),
  ];
  return panels
    .map((panel) => ({ ...panel, lines: panel.lines.filter(({ points }) => points.some(isFinitePoint)) }))
    .filter(({ lines }) => lines.length > 0);
}

function lossLines({ metrics }: RunCurves): readonly PanelLine[] {
  const loss = metrics.series("loss");
  return [
    { name: "each step", color: 0, style: "faint", points: loss },
    { name: "training", color: 0, style: "line", points: trendOf(loss) },
    { name: "validation", color: 1, style: "marked", points: metrics.series("validation/loss") },
  ];
}

function isFinitePoint({ value }: SeriesPoint): boolean {
  return Number.isFinite(value);
}
