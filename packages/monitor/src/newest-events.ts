import { type FileHandle, open } from "node:fs/promises";
import { type EventMap, messageOf, PipeError, type StepReport } from "@pipe/core";
import { eventOf, type LoggedEvent } from "./event-lines.ts";

/** The newest events of a log. */
export type NewestEvents = {
  readonly step?: StepReport;
  readonly evaluation?: EventMap["evaluation-ended"];
  /** How the run ended; absent while it is under way, and where it was killed. */
  readonly ended?: string;
  /** When the newest event happened, in ms of the log's clock. */
  readonly time?: number;
};

const CHUNK = 1 << 16;

/**
 * Reads how far a run is from the end of its log.
 * @param options.reach bytes to look back at most, for what happened long ago; default all.
 * @throws PipeError `events-unreadable`, `events-damaged`.
 */
export async function newestEvents(
  path: string,
  { reach = Infinity }: { readonly reach?: number } = {},
): Promise<NewestEvents> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    return await search(file, path, reach);
  } catch (cause) {
    if (PipeError.is(cause)) throw cause;
    const details = { got: messageOf(cause), where: path, cause };
    throw new PipeError("events-unreadable", "An event log cannot be read.", details);
  } finally {
    await file?.close();
  }
}

async function search(file: FileHandle, path: string, reach: number): Promise<NewestEvents> {
  const found: { -readonly [K in keyof NewestEvents]: NewestEvents[K] } = {};
  let ending = false;
  for await (const event of backwards(file, path, reach)) {
    found.time ??= event.time;
    if (event.event === "step-ended") found.step ??= event;
    if (event.event === "evaluation-ended") found.evaluation ??= event;
    if (event.event === "run-ended" && !ending) found.ended = event.reason;
    ending ||= event.event === "run-ended" || event.event === "run-started";
    if (found.step !== undefined && found.evaluation !== undefined && ending) break;
  }
  return found;
}

/** The events from the last to the first. */
async function* backwards(file: FileHandle, path: string, reach: number): AsyncGenerator<LoggedEvent> {
  const { size } = await file.stat();
  let begin = size;
  let rest: Buffer = Buffer.alloc(0);
  let last = true;
  while (begin > 0) {
    if (size - begin >= reach) return;
    const length = Math.min(CHUNK, begin);
    begin -= length;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, begin);
    rest = Buffer.concat([buffer.subarray(0, bytesRead), rest]);
    for (let end = rest.lastIndexOf("\n"); end >= 0; end = rest.lastIndexOf("\n")) {
      const event = eventAt(rest.subarray(end + 1), { last, path });
      if (event !== undefined) yield event;
      last = false;
      rest = rest.subarray(0, end);
    }
  }
  const event = eventAt(rest, { last, path });
  if (event !== undefined) yield event;
}

function eventAt(
  line: Buffer,
  { last, path }: { readonly last: boolean; readonly path: string },
): LoggedEvent | undefined {
  // What follows the last line break is nothing, or a line that is being written or torn.
  return last ? undefined : eventOf({ text: line.toString(), ended: true }, path);
}
