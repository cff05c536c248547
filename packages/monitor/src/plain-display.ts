import type { Display, DisplayOutput } from "./display.ts";
import { eventText } from "./event-text.ts";
import { createPaint } from "./paint.ts";
import type { PerformanceTracker } from "./performance-tracker.ts";
import { RunWatch } from "./run-watch.ts";
import { plainLine } from "./step-line.ts";

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
      if (event.event === "run-ended") showStep();
      const text = run.isNews(event) ? eventText(event, run, paint) : undefined;
      if (text !== undefined) output.write(`${text}\n`);
    },
    end: showStep,
  };
}
