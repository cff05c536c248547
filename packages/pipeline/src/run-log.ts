import { existsSync } from "node:fs";
import type { IEventBus } from "@pipe/core";
import { cutEvents, EventLog } from "@pipe/monitor";
import type { RunFolder } from "@pipe/persist";

/** The event log of a run, which can be cut back to a step while the run goes on. */
export class RunLog implements AsyncDisposable {
  readonly #folder: RunFolder;
  readonly #events: IEventBus;
  readonly #now: () => number;
  #log: EventLog | undefined;

  constructor(folder: RunFolder, events: IEventBus, now: () => number) {
    this.#folder = folder;
    this.#events = events;
    this.#now = now;
  }

  /** Begins to record, after what lies behind `after` was moved away: readers never see a step twice. */
  async open({ after }: { readonly after?: number } = {}): Promise<void> {
    await this.#log?.[Symbol.asyncDispose]();
    const { path, events } = this.#folder;
    if (after !== undefined && existsSync(events)) await cutEvents(path, after);
    this.#log = await EventLog.open({ path: events, now: this.#now });
    this.#log.attach(this.#events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log?.[Symbol.asyncDispose]();
  }
}
