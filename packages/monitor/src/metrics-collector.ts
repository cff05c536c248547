import { basename } from "node:path";
import type { EventMap, IEventBus, IMonitor, StepReport } from "@pipe/core";
import { eventText } from "./event-text.ts";
import type { MetricsSnapshot, RunNote } from "./metrics-snapshot.ts";
import { createPaint } from "./paint.ts";
import { readEvents } from "./read-events.ts";
import { onEveryEvent, type RunEvent } from "./run-event.ts";
import { Series, type SeriesPoint } from "./series.ts";
import { ThroughputMeter } from "./throughput-meter.ts";

/** A value that an event added to the series of a name. */
export type MetricPoint = SeriesPoint & { readonly name: string };

/** How much a collector keeps, and its clock. */
export type MetricsCollectorOptions = {
  /** Points a series, from 4 on; default 2,000. Beyond that neighbours give way to the least and greatest of them. */
  readonly points?: number;
  /** A clock in ms for the events of a bus, which carry no time; default `performance.now`. */
  readonly now?: () => number;
};

const NOTES: ReadonlySet<RunEvent["event"]> = new Set([
  "run-started",
  "run-resumed",
  "run-ended",
  "checkpoint-saved",
  "checkpoint-failed",
  "index-updated",
  "early-stopped",
  "warning",
]);
const SAMPLES_KEPT = 10;
const NOTES_KEPT = 50;
const TEXT_KEPT = 4000;

/**
 * Keeps the metrics of a run as series, from a bus or from the log of its events, in memory that does not grow with it.
 *
 * The series are `loss` (nats a token), `rate`, `norm` (of the gradient, before clipping), `tokensPerSecond`, and
 * `validation/<metric>` for what evaluations measured.
 */
export class MetricsCollector implements IMonitor {
  readonly #points: number;
  readonly #now: () => number;
  readonly #series = new Map<string, Series>();
  readonly #meter = new ThroughputMeter();
  readonly #samples: EventMap["sample-generated"][] = [];
  readonly #notes: RunNote[] = [];
  #run: EventMap["run-started"] | undefined;
  #report: StepReport | undefined;
  #evaluation: EventMap["evaluation-ended"] | undefined;
  #skipped = 0;
  #ended: string | undefined;

  constructor({ points = 2000, now = () => performance.now() }: MetricsCollectorOptions = {}) {
    this.#points = points;
    this.#now = now;
  }

  /** Collects from the log of a run. @throws PipeError `events-unreadable`, `events-damaged`. */
  static async read(file: string, options: MetricsCollectorOptions = {}): Promise<MetricsCollector> {
    const collector = new MetricsCollector(options);
    for await (const event of readEvents(file)) collector.record(event, event.time);
    return collector;
  }

  attach(bus: IEventBus): Disposable {
    return onEveryEvent(bus, (event) => void this.record(event, this.#now()));
  }

  /** Takes an event that happened at a time in ms, and tells what it added to the series. */
  record(event: RunEvent, time: number): readonly MetricPoint[] {
    if (NOTES.has(event.event)) this.#note(event, time);
    switch (event.event) {
      case "run-started":
        this.#start(event, time);
        return [];
      case "step-ended":
        return this.#step(event, time);
      case "step-skipped":
        this.#skipped++;
        return [];
      case "evaluation-ended": {
        const { step, metrics } = event;
        this.#evaluation = event;
        const measured = Object.entries(metrics).map(([name, value]) => ({ name: `validation/${name}`, step, value }));
        return this.#add([...measured, ...this.#meter.pause(time)]);
      }
      case "sample-generated":
        this.#samples.push({ ...event, prompt: shortened(event.prompt), text: shortened(event.text) });
        if (this.#samples.length > SAMPLES_KEPT) this.#samples.shift();
        return this.#add(this.#meter.pause(time));
      case "run-ended":
        this.#ended = event.reason;
        return this.#add(this.#meter.pause(time));
      case "checkpoint-saved":
      case "checkpoint-failed":
      case "index-updated":
        return this.#add(this.#meter.pause(time));
      default:
        return [];
    }
  }

  /** Names of the series that there are. */
  get names(): readonly string[] {
    return [...this.#series.keys()];
  }

  /** The kept points of a series, in the order of their steps; none where there is no such series. */
  series(name: string): readonly SeriesPoint[] {
    return this.#series.get(name)?.points ?? [];
  }

  snapshot(): MetricsSnapshot {
    const pairs = (series: Series) => series.points.map(({ step, value }) => [step, value] as const);
    return { ...this.progress(), series: Object.fromEntries([...this.#series].map(([n, s]) => [n, pairs(s)])) };
  }

  /** The snapshot without its series. */
  progress(): Omit<MetricsSnapshot, "series"> {
    return {
      run: this.#run ?? null,
      report: this.#report ?? null,
      evaluation: this.#evaluation ?? null,
      skipped: this.#skipped,
      tokensPerSecond: this.#series.get("tokensPerSecond")?.last?.value ?? null,
      seconds: this.#meter.seconds,
      etaSeconds: this.#eta(),
      ended: this.#ended ?? null,
      samples: [...this.#samples],
      notes: [...this.#notes],
    };
  }

  #start(run: EventMap["run-started"], time: number): void {
    this.#run = run;
    this.#ended = undefined;
    this.#meter.start(time);
    for (const series of this.#series.values()) series.cut(run.step);
  }

  #step(report: StepReport, time: number): readonly MetricPoint[] {
    this.#report = report;
    const { step, loss, rate, norm } = report;
    return this.#add([
      { name: "loss", step, value: loss },
      { name: "rate", step, value: rate },
      { name: "norm", step, value: norm },
      ...this.#meter.step(report, time),
    ]);
  }

  #add(points: readonly MetricPoint[]): readonly MetricPoint[] {
    for (const { name, step, value } of points) {
      let series = this.#series.get(name);
      if (series === undefined) {
        series = new Series(Math.max(1, this.#points >> 1));
        this.#series.set(name, series);
      }
      series.add(step, value);
    }
    return points;
  }

  #note(event: RunEvent, time: number): void {
    const soFar = { begin: this.#run?.step ?? 0, skipped: this.#skipped };
    const short = event.event === "checkpoint-saved" ? { ...event, location: basename(event.location) } : event;
    const text = eventText(short, soFar, createPaint(false));
    this.#notes.push({ event: event.event, time, text: shortened(text ?? event.event) });
    if (this.#notes.length > NOTES_KEPT) this.#notes.shift();
  }

  /** Whichever budget is used up first ends the run. */
  #eta(): number | null {
    if (this.#run === undefined || this.#report === undefined || this.#ended !== undefined) return null;
    const { step, tokens, batchTokens } = this.#report;
    const pace = this.#meter.secondsPerStep(step - this.#run.step);
    const left = Math.min(
      this.#run.steps === undefined ? Infinity : this.#run.steps - step,
      this.#run.tokens === undefined ? Infinity : (this.#run.tokens - tokens) / batchTokens,
    );
    return pace === undefined || !Number.isFinite(left) ? null : Math.max(0, left) * pace;
  }
}

function shortened(text: string): string {
  return text.length > TEXT_KEPT ? `${text.slice(0, TEXT_KEPT)}…` : text;
}
