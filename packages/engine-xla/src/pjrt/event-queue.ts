import type { PjrtApi } from "./api.ts";

/**
 * Waits for events one after another, so that never more than one thread of Node's pool waits. Each event is destroyed
 * once, whether it fails or not.
 */
export class EventQueue {
  readonly #api: PjrtApi;
  #last: Promise<unknown> = Promise.resolve();

  constructor(api: PjrtApi) {
    this.#api = api;
  }

  /** Resolves when the event has happened. @throws PipeError `engine-failed`. */
  wait(event: bigint): Promise<void> {
    const waited = this.#last.then(async () => {
      try {
        await this.#api.callAsync("Event_Await", { event });
      } finally {
        this.#api.call("Event_Destroy", { event });
      }
    });
    this.#last = waited.catch(() => undefined);
    return waited;
  }

  /** Resolves when every event so far has happened. */
  async drain(): Promise<void> {
    await this.#last;
  }
}
