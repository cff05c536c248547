import type { Display, DisplayOutput } from "./display.ts";
import { eventText } from "./event-text.ts";
import { createPaint } from "./paint.ts";
import type { PerformanceTracker } from "./performance-tracker.ts";
import { RunWatch } from "./run-watch.ts";
import { liveLine } from "./step-line.ts";

const drawMs = 100;

/** Shows the newest step in one line that is drawn again in place, at most 10 times a second, below those that stay. */
export function liveDisplay(options: {
  readonly output: DisplayOutput;
  readonly tracker: PerformanceTracker;
  readonly color: boolean;
  readonly now: () => number;
}): Display {
  const { output, tracker, now } = options;
  const paint = createPaint(options.color);
  const run = new RunWatch(tracker);
  const clear = "\u001B[K"; // to the end of the line, after the new text: clearing first would flicker
  let drawn = false;
  let drawnAt = -Infinity;
  const line = (): string => {
    drawn = true;
    drawnAt = now();
    return `\r${liveLine(run.view, output.columns ?? 80, paint)}${clear}`;
  };
  const end = (): void => {
    if (drawn) output.write(`${line()}\n`);
    drawn = false;
  };
  return {
    show: (event) => {
      run.note(event);
      if (event.event === "step-ended" && now() - drawnAt >= drawMs) output.write(line());
      const text = run.isNews(event) ? eventText(event, run, paint) : undefined;
      if (text === undefined) return;
      if (event.event === "run-ended") end();
      const above = drawn ? `\r${text.replaceAll("\n", `${clear}\n`)}${clear}` : text;
      output.write(`${above}\n${event.event === "run-ended" ? "" : drawn ? line() : ""}`);
    },
    end,
  };
}
