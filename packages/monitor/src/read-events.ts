import { messageOf, PipeError } from "@pipe/core";
import { eventLines, eventOf, type LoggedEvent } from "./event-lines.ts";

/**
 * Yields the events of a log in the order in which they happened, also while a run still writes it.
 *
 * A last line that is torn, as a killed process leaves it, is passed over. Numbers that were NaN or infinite come back
 * as NaN.
 * @throws PipeError `events-unreadable`; `events-damaged` with the line number, where any other line is not an event.
 */
export async function* readEvents(file: string): AsyncGenerator<LoggedEvent> {
  try {
    for await (const line of eventLines(file)) {
      const event = eventOf(line, file);
      if (event !== undefined) yield event;
    }
  } catch (cause) {
    if (PipeError.is(cause)) throw cause;
    throw new PipeError("events-unreadable", "An event log cannot be read.", {
      got: messageOf(cause),
      where: file,
      cause,
    });
  }
}
