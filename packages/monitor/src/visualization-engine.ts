import { PipeError } from "@pipe/core";
import { echartsOption } from "./drawing/echarts-option.ts";
import { fontFiles, loadECharts, loadResvg } from "./drawing/optional-packages.ts";
import { panelsOf, type RunCurves } from "./drawing/panels.ts";
import { terminalPanels } from "./drawing/terminal-panels.ts";
import { themes } from "./drawing/theme.ts";
import { formatCount, formatDuration, formatPlural } from "./format-number.ts";

/** Size and look of pictures. */
export type VisualizationOptions = {
  /** Pixels; default 1,200. */
  readonly width?: number;
  /** Pixels; default 760. */
  readonly height?: number;
  /** Default `light`. */
  readonly theme?: keyof typeof themes;
};

/**
 * Draws the curves of one run, or of several to compare: loss, learning rate, throughput, gradient norm.
 *
 * SVG needs the package `echarts`, PNG `@resvg/resvg-js` and the font in `@expo-google-fonts/inter` too; they are
 * imported on first use. A terminal needs nothing.
 */
export class VisualizationEngine {
  readonly #options: Required<VisualizationOptions>;

  constructor({ width = 1200, height = 760, theme = "light" }: VisualizationOptions = {}) {
    this.#options = { width, height, theme };
  }

  /** Draws as SVG text. @throws PipeError `drawing-unavailable`, `nothing-to-draw`. */
  async svg(runs: readonly RunCurves[]): Promise<string> {
    const panels = drawable(runs);
    const { width, height, theme } = this.#options;
    const { init } = await loadECharts();
    const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
    try {
      const [title, subtitle] = titlesOf(runs);
      chart.setOption(echartsOption({ title, subtitle, panels, width, height, theme: themes[theme] }));
      return chart.renderToSVGString();
    } finally {
      chart.dispose();
    }
  }

  /** Draws as PNG with two pixels for each of the SVG, in width and height. @throws PipeError as {@link svg}. */
  async png(runs: readonly RunCurves[]): Promise<Uint8Array> {
    const svg = await this.svg(runs);
    const [{ Resvg }, files] = await Promise.all([loadResvg(), fontFiles()]);
    const font = { fontFiles: [...files], loadSystemFonts: true, defaultFontFamily: "Inter", sansSerifFamily: "Inter" };
    return new Resvg(svg, { font, fitTo: { mode: "zoom", value: 2 } }).render().asPng();
  }

  /**
   * Draws for a terminal: lines with line breaks, none wider than `columns`.
   * @param options.columns default 80; fewer than 40 count as 40.
   * @param options.color default false.
   * @throws PipeError `nothing-to-draw`.
   */
  terminal(
    runs: readonly RunCurves[],
    { columns = 80, color = false }: { readonly columns?: number; readonly color?: boolean } = {},
  ): string {
    return terminalPanels(drawable(runs), { columns: Math.max(40, columns), color });
  }
}

function drawable(runs: readonly RunCurves[]) {
  const panels = panelsOf(runs);
  if (panels.length > 0) return panels;
  throw new PipeError("nothing-to-draw", "There is no value to draw yet.", {
    got: runs.map(({ name }) => name).join(", ") || "no run",
    fix: "draw when the run has ended its first step",
  });
}

function titlesOf(runs: readonly RunCurves[]): readonly [title: string, subtitle: string] {
  if (runs.length > 1) {
    const names = runs.map(({ name }) => name);
    return [
      `${formatPlural(runs.length, "run")} compared`,
      names.length > 6 ? `${names.slice(0, 6).join(", ")}, …` : names.join(", "),
    ];
  }
  const { run, report, seconds } = runs[0]!.metrics.progress();
  return [
    runs[0]!.name,
    [
      ...(run === null ? [] : [`${formatCount(run.parameters)} parameters`, `${run.engine} on ${run.device}`]),
      ...(report === null ? [] : [formatPlural(report.step, "step"), `${formatCount(report.tokens)} tokens`]),
      ...(seconds === 0 ? [] : [formatDuration(seconds)]),
    ].join("  ·  "),
  ];
}
