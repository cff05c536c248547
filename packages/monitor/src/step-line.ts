import type { StepReport } from "@pipe/core";
import { formatCount, formatDuration, formatInteger, formatLoss, formatRate, formatShare } from "./format-number.ts";
import type { Paint } from "./paint.ts";
import type { PerformanceSnapshot } from "./performance-tracker.ts";

/** What a line about a step is made of. */
export type StepView = {
  readonly report: StepReport;
  /** The budget of the run. */
  readonly budget: { readonly steps?: number; readonly tokens?: number };
  readonly speed: PerformanceSnapshot;
  /** Steps skipped so far. */
  readonly skipped: number;
};

/** `step   250/1,000  loss 2.3456  rate 1.00e-3  12.3k tok/s  eta 1m 20s`. */
export function plainLine(view: StepView): string {
  const { report, budget } = view;
  const step = formatInteger(report.step);
  const whole = budget.steps === undefined ? "" : formatInteger(budget.steps);
  return [
    `step ${whole === "" ? step : `${step.padStart(whole.length)}/${whole}`}`,
    ...(budget.tokens === undefined ? [] : [`${formatCount(report.tokens)}/${formatCount(budget.tokens)} tokens`]),
    `loss ${formatLoss(report.loss)}`,
    `rate ${formatRate(report.rate)}`,
    ...speedFields(view),
  ].join("  ");
}

/** `━━━━━━━─────  250/1,000 (25 %)  loss 2.3456  12.3k tok/s  eta 1m 20s`, whole fields only, never wider than the terminal. */
export function liveLine(view: StepView, columns: number, paint: Paint): string {
  const room = columns - 1; // a full line would make some terminals wrap
  const share = shareDone(view);
  const fields = [position(view, share), `loss ${formatLoss(view.report.loss)}`, ...speedFields(view)];
  while (fields.length > 1 && fields.join("  ").length > room) fields.pop();
  const text = fields.join("  ").slice(0, Math.max(0, room));
  const width = Math.min(30, room - text.length - 2);
  if (share === undefined || width < 8) return text;
  const done = Math.floor(width * share);
  return `${paint("green", "━".repeat(done))}${paint("dim", "─".repeat(width - done))}  ${text}`;
}

function position({ report, budget }: StepView, share: number | undefined): string {
  if (share === undefined) return `step ${formatInteger(report.step)}`;
  // Rounded down, so that 100 % means the end.
  const percent = `(${Math.floor(100 * share)} %)`;
  if (budget.steps === undefined) {
    const tokens = `${formatCount(report.tokens)}/${formatCount(budget.tokens!)} tokens`;
    return `step ${formatInteger(report.step)}  ${tokens} ${percent}`;
  }
  const whole = formatInteger(budget.steps);
  return `${formatInteger(report.step).padStart(whole.length)}/${whole} ${percent}`;
}

function speedFields({ speed, skipped }: StepView): string[] {
  const { tokensPerSecond, etaSeconds } = speed;
  return [
    ...(tokensPerSecond === null ? [] : [`${formatCount(tokensPerSecond)} tok/s`]),
    ...(etaSeconds === null || etaSeconds === 0 ? [] : [`eta ${formatDuration(etaSeconds)}`]),
    ...(skipped === 0 ? [] : [`skipped ${formatInteger(skipped)}`]),
  ];
}

/** How much of the budget is used up, in [0, 1]; undefined where there is none of steps or tokens. */
function shareDone({ report, budget: { steps, tokens } }: StepView): number | undefined {
  if (steps === undefined && tokens === undefined) return undefined;
  return Math.min(1, Math.max(report.step / (steps ?? Infinity), report.tokens / (tokens ?? Infinity)));
}

/** Writes what an evaluation measured: loss 2.1034 · perplexity 8.19 · accuracy 45.1 %. */
export function formatMetrics(metrics: { readonly [name: string]: number }): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${formatMetric(name, value)}`)
    .join(" · ");
}

function formatMetric(name: string, value: number): string {
  if (/loss$/i.test(name)) return formatLoss(value);
  if (/accuracy$/i.test(name) && Number.isFinite(value)) return formatShare(value);
  return Math.abs(value) < 1000 ? String(Number(value.toPrecision(3))) : formatCount(value);
}
