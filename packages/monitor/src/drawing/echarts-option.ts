import type { EChartsCoreOption } from "echarts/core";
import { formatTick, stepsOf, valuesOf } from "./axis.ts";
import type { Panel, PanelLine } from "./panels.ts";
import type { Theme } from "./theme.ts";

/** What a picture is made of. */
export type Picture = {
  readonly title: string;
  readonly subtitle: string;
  readonly panels: readonly Panel[];
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
};

type Box = { readonly left: number; readonly top: number; readonly width: number; readonly height: number };

/** Between the edge of a picture and its panels, in pixels. */
const MARGIN = 32;
/** Room of a panel for its title, above the plot, and for its labels, left of and below it. */
const ROOM = { top: 40, left: 52, bottom: 36 };

/** Describes a picture to ECharts: a title, and each panel with its own axes and legend. */
export function echartsOption({ title, subtitle, panels, width, height, theme }: Picture): EChartsCoreOption {
  const text = { fontFamily: "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" };
  const boxes = boxesOf(panels, { left: MARGIN, top: 92, width: width - 2 * MARGIN, height: height - 92 - 16 });
  const named = (panel: Panel) => panel.lines.filter(({ style }) => style !== "faint");
  // Names of series are what legends refer to, so they must differ between panels.
  const nameOf = (panel: Panel, line: PanelLine): string => `${panel.title}/${line.name}`;
  return {
    animation: false,
    backgroundColor: theme.background,
    textStyle: text,
    title: [
      {
        left: MARGIN - 5,
        top: 20,
        text: title,
        subtext: subtitle,
        itemGap: 8,
        textStyle: { ...text, fontSize: 22, fontWeight: 600, color: theme.ink },
        subtextStyle: { ...text, fontSize: 13, color: theme.quiet },
      },
      ...panels.map((panel, i) => ({
        left: boxes[i]!.left - 5,
        top: boxes[i]!.top - 5,
        text: `{title|${panel.title}}${panel.unit === "" ? "" : `{unit|${panel.unit}}`}`,
        textStyle: {
          rich: {
            title: { ...text, fontSize: 15, fontWeight: 600, color: theme.ink },
            unit: { ...text, fontSize: 12, fontWeight: 400, color: theme.quiet, padding: [0, 0, 0, 18] },
          },
        },
      })),
    ],
    legend: panels.flatMap((panel, i) =>
      named(panel).length < 2
        ? []
        : {
            right: width - boxes[i]!.left - boxes[i]!.width - 5,
            top: boxes[i]!.top - 3,
            ...{ icon: "roundRect", itemWidth: 16, itemHeight: 4, itemGap: 16 },
            textStyle: { ...text, fontSize: 12, color: theme.ink, width: 140, overflow: "truncate" },
            data: named(panel).map((line) => nameOf(panel, line)),
            formatter: (name: string) => name.slice(panel.title.length + 1),
          },
    ),
    grid: boxes.map((box) => ({
      left: box.left + ROOM.left,
      top: box.top + ROOM.top,
      width: box.width - ROOM.left,
      height: box.height - ROOM.top - ROOM.bottom,
    })),
    xAxis: panels.map((panel, gridIndex) => ({
      gridIndex,
      type: "value",
      ...stepsOf(panel.lines),
      splitNumber: Math.max(2, Math.round(boxes[gridIndex]!.width / 110)),
      minInterval: 1, // between steps there is nothing
      axisLine: { lineStyle: { color: theme.axis } },
      axisTick: { lineStyle: { color: theme.axis } },
      axisLabel: label(theme, text, { showMinLabel: true, hideOverlap: true }),
      splitLine: { show: false },
    })),
    yAxis: panels.map((panel, gridIndex) => ({
      gridIndex,
      type: "value",
      ...roomAround(valuesOf(panel)),
      splitNumber: 4,
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: label(theme, text, { showMaxLabel: false, showMinLabel: panel.figure !== "loss" }),
      splitLine: { lineStyle: { color: theme.grid } },
    })),
    series: panels.flatMap((panel, i) => panel.lines.map((line) => seriesOf(line, nameOf(panel, line), i, theme))),
  };
}

/** The first panel goes over the whole width where their number is even without it; else two stand side by side. */
function boxesOf(panels: readonly Panel[], { left, top, width, height }: Box): readonly Box[] {
  const gap = 40;
  const row = (count: number, y: number, rowHeight: number): readonly Box[] =>
    Array.from({ length: count }, (_, i) => {
      const each = (width - gap * (count - 1)) / count;
      return { left: left + i * (each + gap), top: y, width: each, height: rowHeight };
    });
  const losses = panels.filter(({ figure }) => figure === "loss").length;
  const rows = [losses, panels.length - losses].filter((count) => count > 0);
  const shares = rows.length === 2 ? [0.6, 0.4] : [1];
  let y = top;
  return rows.flatMap((count, i) => {
    const rowHeight = (height - 16 * (rows.length - 1)) * shares[i]!;
    const boxes = row(count, y, rowHeight);
    y += rowHeight + 16;
    return boxes;
  });
}

function seriesOf({ color, style, points }: PanelLine, name: string, axis: number, theme: Theme) {
  const ink = theme.colors[color % theme.colors.length]!;
  return {
    ...{ name, type: "line", xAxisIndex: axis, yAxisIndex: axis, color: ink },
    data: points.map(({ step, value }) => [step, Number.isFinite(value) ? value : null]),
    clip: true,
    ...(style === "marked"
      ? { symbol: "circle", symbolSize: points.length > 60 ? 3 : 7, showAllSymbol: true, z: 4 }
      : { symbol: "none", z: style === "faint" ? 2 : 3 }),
    lineStyle: { width: style === "faint" ? 1 : 2, opacity: style === "faint" ? 0.28 : 1, join: "round" },
  };
}

function label(theme: Theme, text: object, more: object) {
  return { ...text, fontSize: 12, color: theme.quiet, formatter: formatTick, ...more };
}

/** Lines that touch the edge of a plot look cut off. */
function roomAround({ min, max }: { readonly min: number; readonly max: number }) {
  const room = (max - min) * 0.05;
  return { min: min === 0 ? 0 : min - room, max: max + room };
}
