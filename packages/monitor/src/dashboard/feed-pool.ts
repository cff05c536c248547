import { RunFeed } from "./run-feed.ts";

type Held = { readonly feed: RunFeed; readers: number; ending: NodeJS.Timeout | undefined };

/** Follows each run once, as long as someone reads it and a while longer: a page that is loaded again finds it ready. */
export class FeedPool implements AsyncDisposable {
  readonly #options: { readonly pollMs: number; readonly lingerMs: number };
  readonly #held = new Map<string, Held>();
  #closed = false;

  constructor(options: { readonly pollMs: number; readonly lingerMs: number }) {
    this.#options = options;
  }

  /** The feed of a log, until the result is disposed. */
  open(path: string): { readonly feed: RunFeed } & Disposable {
    let held = this.#held.get(path);
    if (held === undefined) {
      held = { feed: new RunFeed(path, this.#options.pollMs), readers: 0, ending: undefined };
      this.#held.set(path, held);
    }
    clearTimeout(held.ending);
    held.readers++;
    const { feed } = held;
    return { feed, [Symbol.dispose]: () => this.#leave(path, held) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const { ending } of all) clearTimeout(ending);
    await Promise.all(all.map(({ feed }) => feed[Symbol.asyncDispose]()));
  }

  #leave(path: string, held: Held): void {
    if (--held.readers > 0) return;
    const end = (): void => {
      this.#held.delete(path);
      void held.feed[Symbol.asyncDispose]();
    };
    // A request may have come while the pool was closed.
    if (this.#closed) return end();
    held.ending = setTimeout(end, this.#options.lingerMs);
    held.ending.unref();
  }
}
