import { createReadStream } from "node:fs";
import { PipeError } from "@pipe/core";
import type { RunEvent } from "./run-event.ts";

/** An event as it stands in a log. */
export type LoggedEvent = RunEvent & {
  /** Wall clock in ms since 1970. */
  readonly time: number;
};

/** One line of a log; `ended` is false for a last line without its line break, `number` unknown when read from the end. */
export type EventLine = { readonly text: string; readonly number?: number; readonly ended: boolean };

/** Yields the lines of a file. Only a line feed ends one: readline would also break at U+2028, which JSON leaves as it is. */
export async function* eventLines(path: string): AsyncGenerator<EventLine> {
  let number = 0;
  let rest = "";
  for await (const chunk of createReadStream(path, "utf8") as AsyncIterable<string>) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    for (const text of parts) yield { text, number: ++number, ended: true };
  }
  if (rest !== "") yield { text: rest, number: ++number, ended: false };
}

/** The event of a line; undefined for a torn last line. @throws PipeError `events-damaged` with file and line number. */
export function eventOf({ text, number, ended }: EventLine, path: string): LoggedEvent | undefined {
  const event = parseEvent(text);
  if (event === undefined && ended) {
    throw new PipeError("events-damaged", "A line of an event log is not an event.", {
      expected: 'a JSON object such as {"event":"step-ended","time":1764000000000,…}',
      got: text.length > 80 ? `${text.slice(0, 80)}…` : JSON.stringify(text),
      where: number === undefined ? path : `${path}:${number}`,
      fix: "remove the line, or move the log away: training does not need it",
    });
  }
  return event;
}

/** The event that a text is, undefined where it is none. */
export function parseEvent(text: string): LoggedEvent | undefined {
  try {
    const event = JSON.parse(text, notANumber) as Partial<LoggedEvent> | number;
    return typeof event === "object" && typeof event.event === "string" && typeof event.time === "number"
      ? (event as LoggedEvent)
      : undefined;
  } catch {
    return undefined;
  }
}

/** No event has a null of its own: each one was NaN or an infinity, which JSON cannot say. */
function notANumber(_key: string, value: unknown): unknown {
  return value === null ? Number.NaN : value;
}
