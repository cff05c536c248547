import { existsSync } from "node:fs";
import { basename } from "node:path";
import { formatDuration, formatInteger, MetricsCollector, newestEvents } from "@pipe/monitor";
import { openRun, type RunFolder } from "@pipe/persist";

/** A run with what its events tell. */
export type ReadRun = { readonly name: string; readonly run: RunFolder; readonly metrics: MetricsCollector };

/** What is compared of runs; null is what is not known. */
export type RunFigures = {
  readonly name: string;
  readonly path: string;
  /** `completed`, `aborted` and the like; null while it is under way, and where it was killed. */
  readonly ended: string | null;
  readonly step: number;
  readonly tokens: number;
  readonly parameters: number | null;
  /** Mean training loss of the newest steps. */
  readonly loss: number | null;
  /** What the newest evaluation measured. */
  readonly metrics: { readonly [name: string]: number };
  /** The least loss of an evaluation. */
  readonly best: { readonly loss: number; readonly step: number } | null;
  /** Median over the run. */
  readonly tokensPerSecond: number | null;
  /** Seconds under way. */
  readonly seconds: number;
  readonly skipped: number;
};

/** Reads a run and its events. @throws PipeError `run-missing`, `run-damaged`, `events-damaged`, `events-unreadable`. */
export async function readRun(path: string): Promise<ReadRun> {
  const run = await openRun(path);
  // A run that ended before its first event has no log.
  const metrics = existsSync(run.events) ? await MetricsCollector.read(run.events) : new MetricsCollector();
  return { name: basename(run.path), run, metrics };
}

export function figuresOf({ name, run, metrics }: ReadRun): RunFigures {
  const { report, evaluation, seconds, skipped, ended, run: started } = metrics.progress();
  const losses = finiteValues(metrics, "loss");
  const speeds = finiteValues(metrics, "tokensPerSecond").sort((a, b) => a - b);
  const validation = metrics.series("validation/loss").filter(({ value }) => Number.isFinite(value));
  const best = validation.reduce((least, point) => (point.value < least.value ? point : least), validation[0]!);
  return {
    ...{ name, path: run.path, ended, seconds, skipped },
    step: report?.step ?? 0,
    tokens: report?.tokens ?? 0,
    parameters: started?.parameters ?? null,
    loss: losses.length === 0 ? null : mean(losses.slice(-Math.ceil(losses.length / 50))),
    metrics: evaluation?.metrics ?? {},
    best: validation.length === 0 ? null : { loss: best.value, step: best.step },
    tokensPerSecond: speeds[speeds.length >> 1] ?? null,
  };
}

/** `completed at step 1,500`, or how long ago a run that has not ended was heard of. */
export async function statusOf({ run }: ReadRun, { ended, step }: RunFigures, now: number): Promise<string> {
  if (run.info.imported !== undefined) return `imported from ${run.info.imported}`;
  if (ended !== null) return `${ended} at step ${formatInteger(step)}`;
  const { time } = existsSync(run.events) ? await newestEvents(run.events) : {};
  if (time === undefined) return "not begun";
  return `at step ${formatInteger(step)}, last event ${formatDuration(Math.max(0, now - time) / 1000)} ago`;
}

function finiteValues(metrics: MetricsCollector, series: string): number[] {
  return metrics.series(series).flatMap(({ value }) => (Number.isFinite(value) ? [value] : []));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
