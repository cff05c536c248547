import { watch } from "node:fs";

/** Milliseconds of quiet after which changes are taken in: editors write in several steps. */
const QUIET = 300;

/** Calls back after changes below a folder, one call at a time, until the signal ends it. */
export async function watchFolder(folder: string, signal: AbortSignal, onChange: () => Promise<void>): Promise<void> {
  let wake: (() => void) | undefined;
  let changed = false;
  const watcher = watch(folder, { recursive: true });
  const note = (): void => {
    changed = true;
    wake?.();
  };
  watcher.on("change", note);
  // A folder that was watched and is gone is read again, which says so.
  watcher.on("error", note);
  signal.addEventListener("abort", () => wake?.());
  const pause = (limit?: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = limit === undefined ? undefined : setTimeout(resolve, limit);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  try {
    while (!signal.aborted) {
      if (!changed) await pause();
      while (changed && !signal.aborted) {
        changed = false;
        await pause(QUIET);
      }
      if (!signal.aborted) await onChange();
    }
  } finally {
    watcher.close();
  }
}
