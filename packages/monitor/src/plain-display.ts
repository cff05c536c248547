import type { Display, DisplayOutput } from "./display.ts";
import { eventText } from "./event-text.ts";
import { createPaint } from "./paint.ts";
import type { PerformanceTracker } from "./performance-tracker.ts";
import { RunWatch } from "./run-watch.ts";
import { plainLine } from "./step-line.ts";

const BELOW_STEP: ReadonlySet<string> = new Set([
  "evaluation-ended",
  "sample-generated",
  "checkpoint-saved",
  "run-ended",
]);

/** Shows every n-th step, the first and the last as lines among those of the other events. */
export function plainDisplay(options: {
  readonly output: DisplayOutput;
  readonly tracker: PerformanceTracker;
  readonly every: number;
  readonly color: boolean;
}): Display {
  const { output, tracker, every } = options;
  const paint = createPaint(options.color);
  const run = new RunWatch(tracker);
  let unshown = false;
  const showStep = (): void => {
    if (unshown) output.write(`${plainLine(run.view)}\n`);
    unshown = false;
  };
  return {
    show: (event) => {
      const first = run.note(event);
      if (event.event === "step-ended") {
        unshown = true;
        if (first || event.step % every === 0) showStep();
      }
      // What is measured, written or saved at a step comes below its line.
      if (BELOW_STEP.has(event.event)) showStep();
      const text = run.isNews(event) ? eventText(event, run, paint) : undefined;
      if (text !== undefined) output.write(`${text}\n`);
    },
    end: showStep,
  };
}
