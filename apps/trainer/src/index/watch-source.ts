import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { sourceRoot } from "@pipe/data";

/** Milliseconds of quiet after which changes are taken in: editors write in several steps. */
const QUIET = 300;
/** The same at most: a file that is written all the time would put off all others. */
const PATIENCE = 3_000;

/** Watches a source's files from its beginning on, whatever its owner does before it {@link follow}s them. */
export class SourceWatch implements Disposable {
  readonly #watcher: FSWatcher;
  #wake: (() => void) | undefined;
  #changed = false;

  private constructor(watcher: FSWatcher, concerns: (name: string | null) => boolean) {
    this.#watcher = watcher;
    watcher.on("change", (_, name) => concerns(name === null ? null : String(name)) && this.#note());
    // A folder that was watched and is gone is read again, which says so.
    watcher.on("error", () => this.#note());
  }

  /**
   * Begins to watch.
   * @param source a folder with all below it, a file, or a glob.
   * @param own the folder that its owner writes, which may lie within: what happens there is no change.
   */
  static async open(source: string, own: string): Promise<SourceWatch> {
    const root = await sourceRoot(source);
    const info = await stat(source).catch(() => undefined);
    // A file is watched by its name: most editors put another one in its place.
    if (info?.isFile() === true)
      return new SourceWatch(watch(root), (name) => name === null || name === basename(source));
    return new SourceWatch(watch(root, { recursive: true }), (name) => {
      const path = name === null ? root : join(root, name);
      return path !== own && !path.startsWith(own + sep);
    });
  }

  /** Calls back after changes, one call at a time, until the signal ends it. */
  async follow(signal: AbortSignal, onChange: () => Promise<void>): Promise<void> {
    const stop = (): void => this.#wake?.();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        if (!this.#changed) await this.#pause();
        for (const end = performance.now() + PATIENCE; this.#changed && performance.now() < end && !signal.aborted;) {
          this.#changed = false;
          await this.#pause(QUIET);
        }
        this.#changed = false;
        if (!signal.aborted) await onChange();
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#watcher.close();
  }

  #note(): void {
    this.#changed = true;
    this.#wake?.();
  }

  /** Waits for a change, or so long at most. */
  #pause(limit?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = limit === undefined ? undefined : setTimeout(resolve, limit);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
