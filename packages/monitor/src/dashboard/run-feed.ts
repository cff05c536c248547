import { setImmediate, setTimeout } from "node:timers/promises";
import { messageOf } from "@pipe/core";
import { MetricsCollector } from "../metrics-collector.ts";
import type { MetricsSnapshot } from "../metrics-snapshot.ts";
import { EventTail, type TailedEvent } from "./event-tail.ts";

/** What goes to a page: everything (`state`), or what came after an id (`more`). */
export type FeedMessage = { readonly id: string; readonly event: "state" | "more"; readonly data: string };

/** What a `more` brings. */
type FeedMore = {
  /** Forget the points after this step: the run was started again there. */
  readonly cut?: number;
  /** New points by series. */
  readonly points: { readonly [series: string]: readonly (readonly [step: number, value: number])[] };
  readonly samples: MetricsSnapshot["samples"];
  readonly notes: MetricsSnapshot["notes"];
  readonly progress: Omit<MetricsSnapshot, "series" | "samples" | "notes">;
};

type Entry = { readonly begin: number; readonly end: number; readonly data: string };

/** Text kept for those that come back; who was away for longer gets the whole state. */
const KEPT = 1 << 18;
/** Events in one message at most. */
const TOGETHER = 500;
/** Points a series: more than a screen has columns. */
const POINTS = 1600;

/**
 * Follows one run for all its readers. A reader is a place in the log, `<generation>-<byte>`, and asks for what comes after
 * it: nothing is queued for anyone, so a slow reader costs no memory.
 */
export class RunFeed implements AsyncDisposable {
  readonly #tail: EventTail;
  readonly #pollMs: number;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #collector = new MetricsCollector({ points: POINTS });
  #entries: Entry[] = [];
  #kept = 0;
  #position = 0;
  #state: FeedMessage | undefined;
  /** Whether all that there is has been read. */
  #ready = false;
  #problem: string | undefined;
  #changed = latch();

  constructor(path: string, pollMs: number) {
    this.#tail = new EventTail(path);
    this.#pollMs = pollMs;
    this.#running = this.#run();
  }

  /** What a reader gets that has all up to an id; undefined where there is nothing new, or not all has been read yet. */
  after(id: string | undefined): FeedMessage | undefined {
    if (!this.#ready) return undefined;
    if (id === this.#idAt(this.#position)) return undefined;
    const [, generation, byte] = /^(.*)-(\d+)$/.exec(id ?? "") ?? [];
    const first =
      generation === this.#tail.generation ? this.#entries.findIndex(({ begin }) => begin === Number(byte)) : -1;
    if (first < 0) return this.#whole();
    const { end, data } = this.#entries[first]!;
    return { id: this.#idAt(end), event: "more", data };
  }

  /** Why the log cannot be read at present. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when `after` may give something new, or the feed has ended. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#tail[Symbol.asyncDispose]();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const polled = await this.#tail.poll().catch((error: unknown) => messageOf(error));
      const problem = typeof polled === "string" ? polled : undefined;
      if (problem !== this.#problem) this.#wake();
      this.#problem = problem;
      if (typeof polled === "string") {
        await setTimeout(10 * this.#pollMs, undefined, { signal }).catch(() => undefined);
        continue;
      }
      const { reset, events, more } = polled;
      if (reset) this.#forget();
      this.#take(events);
      if (more) {
        await setImmediate(); // others may have their turn
        continue;
      }
      if (!this.#ready || reset || events.length > 0) {
        this.#ready = true;
        this.#wake();
      }
      await setTimeout(this.#pollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #forget(): void {
    this.#collector = new MetricsCollector({ points: POINTS });
    this.#entries = [];
    this.#kept = 0;
    this.#position = 0;
    this.#ready = false;
  }

  #take(events: readonly TailedEvent[]): void {
    let batch: TailedEvent[] = [];
    for (const each of events) {
      // A start cuts the series, so it comes first in its message.
      if (batch.length === TOGETHER || (each.event.event === "run-started" && batch.length > 0)) {
        this.#record(batch);
        batch = [];
      }
      batch.push(each);
    }
    if (batch.length > 0) this.#record(batch);
  }

  #record(batch: readonly TailedEvent[]): void {
    const before = this.#collector.progress();
    const points: { [series: string]: [number, number][] } = {};
    for (const { event } of batch) {
      for (const { name, step, value } of this.#collector.record(event, event.time)) {
        (points[name] ??= []).push([step, value]);
      }
    }
    const { samples, notes, ...progress } = this.#collector.progress();
    const { event } = batch[0]!;
    const more: FeedMore = {
      ...(event.event === "run-started" ? { cut: event.step } : {}),
      points,
      samples: samples.filter((sample) => !before.samples.includes(sample)),
      notes: notes.filter((note) => !before.notes.includes(note)),
      progress,
    };
    const entry = { begin: this.#position, end: batch.at(-1)!.end, data: JSON.stringify(more) };
    this.#position = entry.end;
    this.#entries.push(entry);
    this.#kept += entry.data.length;
    while (this.#kept > KEPT) this.#kept -= this.#entries.shift()!.data.length;
  }

  #whole(): FeedMessage {
    const id = this.#idAt(this.#position);
    if (this.#state?.id !== id) {
      this.#state = { id, event: "state", data: JSON.stringify(this.#collector.snapshot()) };
    }
    return this.#state;
  }

  #idAt(position: number): string {
    return `${this.#tail.generation}-${position}`;
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = latch();
    resolve();
  }
}

function latch(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
