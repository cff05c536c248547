import { type FileHandle, open, stat } from "node:fs/promises";
import { type LoggedEvent, parseEvent } from "../event-lines.ts";

/** An event and where its line ends in the file, in bytes. */
export type TailedEvent = { readonly event: LoggedEvent; readonly end: number };

/** What a poll brought. */
export type TailedEvents = {
  /** The log was replaced or shortened, as a run does that goes on from an earlier step: what was read before is void. */
  readonly reset: boolean;
  readonly events: readonly TailedEvent[];
  /** Whether the next poll will bring more at once. */
  readonly more: boolean;
};

const CHUNK = 1 << 18;
/** A line that is longer than this is none of ours. */
const LONGEST_LINE = 1 << 24;

/**
 * Follows a log that a run writes, may replace, and may not have begun yet.
 *
 * The open file is kept, so that a file that takes its place cannot have its number. A line that is not an event becomes a
 * `warning`.
 */
export class EventTail implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle | undefined;
  /** Which file it is; a new one after each reset. */
  #generation = "";
  /** The generation that the last poll brought events of. */
  #told: string | undefined;
  /** Bytes up to the end of the last whole line. */
  #position = 0;
  /** The begin of a line whose end is not there yet. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  get generation(): string {
    return this.#generation;
  }

  /** Reads what has come since the last poll, at most 256 KiB. */
  async poll(): Promise<TailedEvents> {
    await this.#follow();
    if (this.#file === undefined) return { reset: false, events: [], more: false };
    const from = this.#position + this.#rest.length;
    const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, from);
    const reset = this.#told !== undefined && this.#told !== this.#generation;
    this.#told = this.#generation;
    const text = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]);
    const events: TailedEvent[] = [];
    let begin = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", begin)) {
      this.#position += end + 1 - begin;
      events.push({ event: eventOr(text.toString("utf8", begin, end), this.#position), end: this.#position });
      begin = end + 1;
    }
    this.#rest = text.subarray(begin);
    if (this.#rest.length > LONGEST_LINE) {
      this.#position += this.#rest.length;
      events.push({ event: notAnEvent(this.#position), end: this.#position });
      this.#rest = Buffer.alloc(0);
    }
    return { reset, events, more: bytesRead === CHUNK };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** Opens the file where it is new. */
  async #follow(): Promise<void> {
    const now = await stat(this.#path).catch(() => undefined);
    if (now === undefined) return; // not begun yet, or removed: what was read stays to be seen
    const before = await this.#file?.stat();
    const same = before !== undefined && before.ino === now.ino && before.dev === now.dev;
    if (same && now.size >= this.#position + this.#rest.length) return;
    await this[Symbol.asyncDispose]();
    this.#file = await open(this.#path, "r");
    const opened = await this.#file.stat();
    const generation = `${opened.ino.toString(36)}.${Math.round(opened.birthtimeMs).toString(36)}`;
    // A file that was shortened in place keeps its number and its birth.
    this.#generation = generation === this.#generation ? `${generation}.${opened.size.toString(36)}` : generation;
    this.#position = 0;
    this.#rest = Buffer.alloc(0);
  }
}

function eventOr(text: string, end: number): LoggedEvent {
  return parseEvent(text) ?? notAnEvent(end);
}

function notAnEvent(end: number): LoggedEvent {
  const message = `The line that ends at byte ${end} of the event log is not an event.`;
  return { event: "warning", time: 0, source: "dashboard", message };
}
