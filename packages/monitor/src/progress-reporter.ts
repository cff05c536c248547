import { type IEventBus, type IMonitor, PipeError } from "@pipe/core";
import { type Display, type DisplayOutput, jsonDisplay } from "./display.ts";
import { liveDisplay } from "./live-display.ts";
import { type PerformanceSnapshot, PerformanceTracker } from "./performance-tracker.ts";
import { plainDisplay } from "./plain-display.ts";
import { endAll, onEveryEvent } from "./run-event.ts";

/** What a {@link ProgressReporter} prints, and where. */
export type ProgressReporterOptions = {
  /** `process.stdout`, `process.stderr` or anything with `write`. */
  readonly output: DisplayOutput;
  /**
   * `live`: one line that is drawn again in place, below the lines that stay. `plain`: lines only. `json`: every event as
   * one JSON object a line and nothing else. Default `live` on a terminal, else `plain`.
   */
  readonly mode?: "live" | "plain" | "json";
  /** In plain mode each step with a multiple of this number has a line, and so have the first and the last; default 50. */
  readonly every?: number;
  /** Default: whether the output is a terminal. A program that heeds NO_COLOR passes it here. */
  readonly color?: boolean;
  /** Knows speed and time left; default one of its own. One that is passed must be attached to the bus by its owner. */
  readonly tracker?: PerformanceTracker;
  /** A clock in ms; default `performance.now`. */
  readonly now?: () => number;
};

/** Prints a run's progress for people, or its events for programs. */
export class ProgressReporter implements IMonitor {
  readonly #display: () => Display;
  readonly #tracker: PerformanceTracker;
  readonly #ownsTracker: boolean;

  /** @throws PipeError `progress-options-invalid` where `every` is not a positive integer. */
  constructor(options: ProgressReporterOptions) {
    const { output, every = 50, now = () => performance.now() } = options;
    const { mode = output.isTTY === true ? "live" : "plain", color = output.isTTY === true } = options;
    if (!Number.isSafeInteger(every) || every < 1) {
      throw new PipeError("progress-options-invalid", "A reporter prints every n-th step.", {
        expected: "a positive integer",
        got: String(every),
        where: "every",
      });
    }
    const tracker = options.tracker ?? new PerformanceTracker({ now });
    this.#tracker = tracker;
    this.#ownsTracker = options.tracker === undefined;
    const displays = {
      json: () => jsonDisplay(output),
      plain: () => plainDisplay({ output, tracker, every, color }),
      live: () => liveDisplay({ output, tracker, color, now }),
    };
    this.#display = displays[mode];
  }

  /** Prints the events of a bus until the result is disposed, which also ends a live line. */
  attach(bus: IEventBus): Disposable {
    const display = this.#display();
    // The tracker first, so that its figures hold the step that is shown.
    const tracking = this.#ownsTracker ? [this.#tracker.attach(bus)] : [];
    const showing = onEveryEvent(bus, (event) => display.show(event));
    return endAll([...tracking, showing, { [Symbol.dispose]: () => display.end() }]);
  }

  /** The figures of the tracker. */
  snapshot(): PerformanceSnapshot {
    return this.#tracker.snapshot();
  }
}
