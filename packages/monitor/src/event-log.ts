import { type FileHandle, open } from "node:fs/promises";
import { type IEventBus, messageOf, PipeError } from "@pipe/core";
import { parseEvent } from "./event-lines.ts";
import { endAll, onEveryEvent } from "./run-event.ts";

/** Where a log is written. */
export type EventLogOptions = {
  /** The file, `<run>/events.jsonl`; its folder exists. */
  readonly path: string;
  /** The wall clock in ms, such as `Date.now`. */
  readonly now: () => number;
};

/**
 * Appends every event to a file as one JSON object a line: `{ "event": "step-ended", "time": 1764000000000, "step": 10, … }`.
 *
 * Writing never holds up the run: what happens during one write goes out with the next. When the disk fails, recording
 * ends with one `warning` and the run goes on. NaN and infinities are written as null.
 */
export class EventLog implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #options: EventLogOptions;
  readonly #attached: Disposable[] = [];
  #bus: IEventBus | undefined;
  #pending: string[] = [];
  #writing: Promise<void> | undefined;
  #failed = false;

  private constructor(file: FileHandle, options: EventLogOptions) {
    this.#file = file;
    this.#options = options;
  }

  /**
   * Opens a log to append to it; a torn last line, as a killed process leaves it, is removed first.
   * @throws PipeError `events-unwritable`.
   */
  static async open(options: EventLogOptions): Promise<EventLog> {
    let file: FileHandle | undefined;
    try {
      file = await open(options.path, "a+");
      await mendTail(file);
      return new EventLog(file, options);
    } catch (cause) {
      await file?.close();
      throw new PipeError("events-unwritable", "An event log cannot be opened.", {
        got: messageOf(cause),
        where: options.path,
        fix: "make the folder, or let this user write there",
        cause,
      });
    }
  }

  /** Records every event of a bus until the result, or the log, is disposed. */
  attach(bus: IEventBus): Disposable {
    this.#bus = bus;
    const subscription = onEveryEvent(bus, ({ event, ...data }) => {
      if (this.#failed) return;
      this.#pending.push(`${JSON.stringify({ event, time: this.#options.now(), ...data })}\n`);
      this.#writing ??= this.#write();
    });
    this.#attached.push(subscription);
    return subscription;
  }

  /** Resolves when every event so far is on the disk, or the one warning has told that it cannot be. */
  async flush(): Promise<void> {
    await this.#writing;
    if (!this.#failed) await this.#file.datasync().catch((error: unknown) => this.#fail(error));
  }

  /** Ends the recording: writes what is left and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    endAll(this.#attached)[Symbol.dispose]();
    await this.flush();
    await this.#file.close();
  }

  async #write(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const lines = this.#pending.join("");
        this.#pending = [];
        await this.#file.appendFile(lines);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = undefined;
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#pending = [];
    const message = `Events are no longer recorded in ${this.#options.path}: ${messageOf(error)}`;
    this.#bus?.emit("warning", { source: "event log", message });
  }
}

/** Ends the last line with a line break where it is whole, and removes it where it is torn. */
async function mendTail(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  let tail = Buffer.alloc(0);
  for (let begin = size; begin > 0 && !tail.includes("\n");) {
    const length = Math.min(1 << 16, begin);
    begin -= length;
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, begin);
    tail = Buffer.concat([buffer, tail]);
  }
  const line = tail.subarray(tail.lastIndexOf("\n") + 1);
  if (line.length === 0) return;
  if (parseEvent(line.toString()) === undefined) await file.truncate(size - line.length);
  else await file.appendFile("\n");
}
