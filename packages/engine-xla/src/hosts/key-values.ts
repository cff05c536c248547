import type { StoreReply, StoreRequest } from "./store-messages.ts";

type Waiting = { readonly key: string; readonly answer: (reply: StoreReply) => void; readonly timer: NodeJS.Timeout };

/** The values that nodes tell each other, and those who wait for one. */
export class KeyValues {
  readonly #values = new Map<string, Uint8Array>();
  readonly #waiting = new Set<Waiting>();
  #lost: number | undefined;

  /** Answers a request, now or when the value comes, the time is over, or a node is lost. Returns how to forget it. */
  ask(request: StoreRequest, answer: (reply: StoreReply) => void): () => void {
    if (request.op === "put") {
      this.#values.set(request.key, request.value);
      answer({ status: "stored" });
      for (const waiting of this.#waiting)
        if (waiting.key === request.key) this.#end(waiting, { status: "found", value: request.value });
      return () => undefined;
    }
    const { key, timeoutMs } = request;
    const value = this.#values.get(key);
    if (value !== undefined) answer({ status: "found", value });
    else if (timeoutMs === 0) answer({ status: "absent" });
    else if (this.#lost !== undefined) answer({ status: "lost", node: this.#lost });
    else {
      const timer = setTimeout(() => this.#end(waiting, { status: "absent" }), timeoutMs);
      const waiting: Waiting = { key, answer, timer };
      this.#waiting.add(waiting);
      return () => this.#forget(waiting);
    }
    return () => undefined;
  }

  /** Lets everyone who waits, now or later, know that a node is gone: what it would have put never comes. */
  lose(node: number): void {
    this.#lost ??= node;
    for (const waiting of this.#waiting) this.#end(waiting, { status: "lost", node: this.#lost });
  }

  #end(waiting: Waiting, reply: StoreReply): void {
    this.#forget(waiting);
    waiting.answer(reply);
  }

  #forget(waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#waiting.delete(waiting);
  }
}
