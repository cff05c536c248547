import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MetricsCollector } from "../metrics-collector.ts";
import { report, runEvents } from "../run.test.fixture.ts";
import type { SeriesPoint } from "../series.ts";
import { VisualizationEngine } from "../visualization-engine.ts";
import { formatTick, stepsOf, ticksOf, valuesOf } from "./axis.ts";
import { type PanelLine, panelsOf } from "./panels.ts";
import { terminalChart } from "./terminal-chart.ts";
import { trendOf } from "./trend.ts";

function run(name: string, steps = 200): { name: string; metrics: MetricsCollector } {
  const metrics = new MetricsCollector();
  for (const event of runEvents(steps, { name })) metrics.record(event, event.time);
  return { name, metrics };
}

const points = (values: readonly number[]): SeriesPoint[] => values.map((value, step) => ({ step, value }));
const line = (values: readonly number[], over: Partial<PanelLine> = {}): PanelLine => ({
  ...{ name: "a", color: 0, style: "line", points: points(values) },
  ...over,
});

describe("panels", () => {
  it("show one run's loss of both kinds, rate, throughput and norm", () => {
    const panels = panelsOf([run("tiny")]);
    expect(panels.map(({ title }) => title)).toEqual(["Loss", "Learning rate", "Throughput", "Gradient norm"]);
    expect(panels[0]!.lines.map(({ name }) => name)).toEqual(["each step", "training", "validation"]);
  });

  it("show several runs side by side, and leave out what no run has", () => {
    const empty = { name: "empty", metrics: new MetricsCollector() };
    const panels = panelsOf([run("a"), empty, run("b", 5)]);
    expect(panels.map(({ title, lines }) => [title, lines.map(({ name }) => name)])).toEqual([
      ["Training loss", ["a", "b"]],
      ["Validation loss", ["a"]],
      ["Learning rate", ["a", "b"]],
      ["Throughput", ["a", "b"]],
    ]);
  });
});

describe("trendOf", () => {
  it("leaves a straight line as it is, but for its end", () => {
    const values = Array.from({ length: 400 }, (_, i) => 10 - i / 100);
    const trend = trendOf(points(values));
    for (const [i, { value }] of trend.slice(0, -5).entries()) expect(value).toBeCloseTo(values[i]!, 9);
  });

  it("takes noise away, and passes over what is not a number", () => {
    const noisy = Array.from({ length: 800 }, (_, i) => (i % 7 === 0 ? Number.NaN : 2 + (i % 2 === 0 ? 1 : -1)));
    for (const { value } of trendOf(points(noisy)).slice(40)) expect(Math.abs(value - 2)).toBeLessThan(0.3);
    expect(trendOf(points([1, 2]))).toEqual(points([1, 2]));
  });
});

describe("axes", () => {
  it("have round ticks inside their range, about as many as wanted", () => {
    const range = fc.tuple(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
    );
    fc.assert(
      fc.property(range, fc.integer({ min: 2, max: 10 }), ([min, size], count) => {
        const ticks = ticksOf({ min, max: min + size }, count);
        expect(ticks.length).toBeLessThanOrEqual(count + 2);
        for (const tick of ticks) expect(tick).toBeGreaterThanOrEqual(min - size * 1e-6 - 1e-6);
        for (const tick of ticks) expect(tick).toBeLessThanOrEqual(min + size * (1 + 1e-6) + 1e-6);
      }),
    );
    expect(ticksOf({ min: 1.2, max: 4.7 }, 4)).toEqual([2, 3, 4]);
    expect(ticksOf({ min: 0, max: 0.3 }, 3)).toEqual([0, 0.1, 0.2, 0.3]);
  });

  it("are labelled short and exactly", () => {
    expect([0, 2.5, 0.003, -250, 1000, 1250, 12_500, 2e6, 3e9].map(formatTick)).toEqual([
      "0",
      "2.5",
      "3e-3",
      "-250",
      "1k",
      "1.25k",
      "12.5k",
      "2M",
      "3B",
    ]);
  });

  it("are not pressed flat by a few spikes, and have some height where all values are the same", () => {
    const spiked = Array.from({ length: 100 }, (_, i) => (i === 50 ? 1000 : 2 + (i % 5) / 10));
    expect(valuesOf({ figure: "loss", lines: [line(spiked)] }).max).toBeLessThan(5);
    expect(valuesOf({ figure: "loss", lines: [line([1, 1000])] })).toEqual({ min: 1, max: 1000 });
    expect(valuesOf({ figure: "count", lines: [line([5, 7])] })).toEqual({ min: 0, max: 7 });
    expect(valuesOf({ figure: "loss", lines: [line([2, 2])] })).toEqual({ min: 1, max: 3 });
    expect(valuesOf({ figure: "count", lines: [line([0, 0])] })).toEqual({ min: -1, max: 1 });
  });

  it("of steps begin at 0 unless the run began late", () => {
    expect(stepsOf([{ ...line([]), points: [{ step: 7, value: 1 }] }])).toEqual({ min: 0, max: 7 });
    expect(stepsOf([line(Array.from({ length: 9 }, () => 1))])).toEqual({ min: 0, max: 8 });
    expect(
      stepsOf([
        {
          ...line([]),
          points: [
            { step: 90, value: 1 },
            { step: 100, value: 2 },
          ],
        },
      ]),
    ).toEqual({ min: 90, max: 100 });
  });
});

describe("a chart on a terminal", () => {
  const panel = (lines: readonly PanelLine[]) => ({ title: "Loss", unit: "nats", figure: "loss", lines }) as const;

  it("draws a falling line between its axes", () => {
    const falling = Array.from({ length: 101 }, (_, i) => 4 - i / 50);
    expect(terminalChart(panel([line(falling)]), { columns: 24, rows: 4, color: false })).toEqual([
      "Loss, nats              ",
      "4 ┤⠉⠒⠦⢤⣀                ",
      "  │     ⠉⠓⠲⠤⣄⡀          ",
      "3 ┤          ⠈⠙⠒⠦⢄⣀     ",
      "2 ┤                ⠉⠓⠲⠤⣀",
      "  └─────────────────────",
      "   0        50       100",
    ]);
  });

  it("has rows of equal width, never wider than asked, with the same dots in colour", () => {
    const values = fc.array(fc.oneof(fc.double({ min: -100, max: 1e5, noNaN: true }), fc.constant(Number.NaN)), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(
        values,
        fc.integer({ min: 40, max: 200 }),
        fc.integer({ min: 1, max: 20 }),
        (given, columns, rows) => {
          const lines = [
            line([...given, 1], { name: "a run with quite a long name" }),
            line([...given, 2], { name: "validation", color: 1, style: "marked" }),
            line([...given, 3], { name: "other", color: 7, style: "faint" }),
          ];
          const plain = terminalChart(panel(lines), { columns, rows, color: false });
          expect(plain.map((row) => row.length)).toEqual(Array.from({ length: rows + 3 }, () => columns));
          const painted = terminalChart(panel(lines), { columns, rows, color: true });
          expect(painted.map((row) => stripVTControlCharacters(row))).toEqual(plain);
        },
      ),
    );
  });

  it("names whole steps only, however few there are", () => {
    const steps = terminalChart(panel([line([4, 3, 2])]), { columns: 80, rows: 5, color: false }).at(-1)!;
    expect(steps.trim().split(/ +/)).toEqual(["0", "1", "2"]);
  });

  it("tells runs apart without colours, by a letter at the end of each line", () => {
    const lines = [line([1, 2, 3], { name: "up" }), line([3, 2, 1], { name: "down", color: 1 })];
    const rows = terminalChart(panel(lines), { columns: 60, rows: 5, color: false });
    expect(rows[0]).toContain("a up  b down");
    expect([rows[1]!.at(-1), rows[5]!.at(-1)]).toEqual(["a", "b"]);
  });
});

describe("VisualizationEngine", () => {
  it("draws on a terminal no wider than it is, small charts side by side where they fit", () => {
    for (const columns of [20, 60, 80, 120, 200]) {
      const text = new VisualizationEngine().terminal([run("tiny")], { columns });
      expect(Math.max(...text.split("\n").map((row) => row.length))).toBeLessThanOrEqual(Math.max(40, columns));
      expect(text).not.toContain("\u001B");
      expect(/Learning rate +Throughput/.test(text)).toBe(columns >= 80);
      expect(text.includes("Gradient norm")).toBe(columns >= 120);
    }
    expect(new VisualizationEngine().terminal([run("a"), run("b")], { color: true })).toContain("\u001B[36m");
    expect(new VisualizationEngine().terminal([run("tiny")]).split("\n")[0]).toBe(
      "Loss, nats a token  ─ training  ● validation",
    );
  });

  it("draws SVG with its titles, legend, axes and lines, without a DOM", async () => {
    const svg = await new VisualizationEngine({ width: 900, height: 500, theme: "dark" }).svg([run("prairie")]);
    expect(svg).toMatch(/^<svg width="900" height="500"/);
    for (const text of ["prairie", "1.2M parameters", "Loss", "nats a token", "training", "validation", "Throughput"]) {
      expect(svg).toContain(`>${text}`);
    }
    expect(svg).toContain("#12161d");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("compares many runs, and draws what is not a number as a gap", async () => {
    const diverged = new MetricsCollector();
    for (let step = 1; step <= 30; step++) {
      diverged.record({ event: "step-ended", ...report(step, { loss: step > 20 ? Number.NaN : 3 }) }, step * 200);
    }
    const runs = [{ name: "diverged", metrics: diverged }, ..."bcdefgh".split("").map((name) => run(name))];
    const svg = await new VisualizationEngine().svg(runs);
    expect(svg).toContain("8 runs compared");
    expect(svg).toContain("diverged, b, c, d, e, f, …");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("draws PNG in which there is text", async () => {
    const { Resvg } = await import("@resvg/resvg-js");
    const engine = new VisualizationEngine({ width: 600, height: 400 });
    const png = await engine.png([run("prairie")]);
    const view = new DataView(png.buffer, png.byteOffset);
    expect([view.getUint32(0), view.getUint32(16), view.getUint32(20)]).toEqual([0x89504e47, 1200, 800]);
    // The title is the darkest thing in the upper left corner; without a font the corner would be empty.
    const svg = await engine.svg([run("prairie")]);
    const empty = new Resvg(svg, { font: { loadSystemFonts: false }, fitTo: { mode: "zoom", value: 2 } })
      .render()
      .asPng();
    expect(png.length).toBeGreaterThan(empty.length + 5000);
  });

  it("says that there is nothing to draw yet", async () => {
    const empty = { name: "empty", metrics: new MetricsCollector() };
    await expect(new VisualizationEngine().svg([empty])).rejects.toMatchObject({ code: "nothing-to-draw" });
    expect(() => new VisualizationEngine().terminal([])).toThrow("no run");
  });
});
