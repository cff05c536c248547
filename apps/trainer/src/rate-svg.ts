import type { LearningRateReport } from "@pipe/optim";
import { lossRange } from "./rate-chart.ts";

const [WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN] = [720, 400, 60, 50, 20];

/** The loss over the rate (logarithmic) as an SVG picture: each step, the smoothed curve, the suggestion. */
export function rateSvg(report: LearningRateReport): string {
  const { points, suggestion, by } = report;
  const { low, high } = lossRange(report);
  const [first, last] = [Math.log10(points[0]!.rate), Math.log10(points.at(-1)!.rate)];
  const x = (rate: number): number =>
    round(LEFT + ((Math.log10(rate) - first) / (last - first)) * (WIDTH - LEFT - MARGIN));
  const y = (loss: number): number =>
    round(MARGIN + ((high - Math.min(Math.max(loss, low), high)) / (high - low || 1)) * (HEIGHT - BOTTOM - MARGIN));
  const decades = range(Math.ceil(first - 1e-9), Math.floor(last + 1e-9));
  const heights = range(0, 4).map((i) => low + ((high - low) * i) / 4);
  const curve = points.map(({ rate, smoothed }) => `${x(rate)},${y(smoothed)}`).join(" ");
  const base = HEIGHT - BOTTOM;
  const mark = Math.max(LEFT, x(suggestion));
  const lines = [
    ...decades.map((decade) => grid(x(10 ** decade), MARGIN, x(10 ** decade), base)),
    ...heights.map((loss) => grid(LEFT, y(loss), WIDTH - MARGIN, y(loss))),
    ...decades.map((decade) => text(x(10 ** decade), base + 18, `1e${decade}`, "middle")),
    ...heights.map((loss) => text(LEFT - 8, y(loss) + 4, loss.toFixed(2), "end")),
    text((LEFT + WIDTH - MARGIN) / 2, HEIGHT - 12, "learning rate", "middle"),
    text(LEFT, MARGIN - 6, "loss", "end"),
    ...points.map(({ rate, loss }) => `<circle cx="${x(rate)}" cy="${y(loss)}" r="1.5" fill="#9ab"/>`),
    `<polyline points="${curve}" fill="none" stroke="#1668c7" stroke-width="2"/>`,
    `<line x1="${mark}" y1="${MARGIN}" x2="${mark}" y2="${base}" stroke="#c7381f" stroke-dasharray="5 4"/>`,
    text(mark + 8, MARGIN + 12, `suggestion ${suggestion.toExponential(1)} (${by})`, "start"),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${lines.join("\n")}
</svg>
`;
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#ddd"/>`;
}

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="#444">${content}</text>`;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
