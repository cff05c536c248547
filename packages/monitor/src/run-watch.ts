import type { StepReport } from "@pipe/core";
import type { PerformanceTracker } from "./performance-tracker.ts";
import type { RunEvent } from "./run-event.ts";
import type { StepView } from "./step-line.ts";

/** What both displays for people remember of a run. */
export class RunWatch {
  begin = 0;
  skipped = 0;
  readonly #tracker: PerformanceTracker;
  #budget: StepView["budget"] = {};
  #report: StepReport | undefined;
  #lastSkipped = -1;
  #streak = false;

  constructor(tracker: PerformanceTracker) {
    this.#tracker = tracker;
  }

  /** The newest step, of which there is one. */
  get view(): StepView {
    return {
      report: this.#report!,
      budget: this.#budget,
      speed: this.#tracker.snapshot(),
      skipped: this.skipped,
    };
  }

  /** Notes an event; true for the first step of a run. */
  note(event: RunEvent): boolean {
    if (event.event === "run-started") {
      this.begin = event.step;
      this.skipped = 0;
      this.#report = undefined;
      this.#budget = event;
    } else if (event.event === "step-skipped") {
      this.skipped++;
      this.#streak = event.step === this.#lastSkipped + 1;
      this.#lastSkipped = event.step;
    } else if (event.event === "step-ended") {
      const first = this.#report === undefined;
      this.#report = event;
      return first;
    }
    return false;
  }

  /** Of skipped steps in a row only the first is worth a line: a run that diverged has nothing else. */
  isNews(event: RunEvent): boolean {
    return event.event !== "step-skipped" || !this.#streak;
  }
}
