import type { RunEvent } from "./run-event.ts";

/** Where a display writes; `process.stdout` and `process.stderr` fit. */
export type DisplayOutput = {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Width of the terminal; default 80. */
  readonly columns?: number;
};

/** Shows events to someone. */
export type Display = {
  show(event: RunEvent): void;
  /** Leaves the output so that others can write there. */
  end(): void;
};

/** Shows each event as one JSON object a line. */
export function jsonDisplay(output: DisplayOutput): Display {
  return { show: (event) => void output.write(`${JSON.stringify(event)}\n`), end: () => {} };
}
