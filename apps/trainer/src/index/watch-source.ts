import { watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { sourceRoot } from "@pipe/data";

/** Milliseconds of quiet after which changes are taken in: editors write in several steps. */
const QUIET = 300;
/** The same at most: a file that is written all the time would put off all others. */
const PATIENCE = 3_000;

/**
 * Calls back after changes of a source's files, one call at a time, until the signal ends it.
 *
 * @param source a folder with all below it, a file, or a glob.
 * @param own the folder that the callback writes, which may lie within: what happens there is no change.
 */
export async function watchSource(
  source: string,
  own: string,
  signal: AbortSignal,
  onChange: () => Promise<void>,
): Promise<void> {
  const root = await sourceRoot(source);
  const isFile = (await stat(source).catch(() => undefined))?.isFile() === true;
  let wake: (() => void) | undefined;
  let changed = false;
  // A file is watched by its name: most editors put another one in its place.
  const watcher = watch(root, { recursive: !isFile });
  const note = (): void => {
    changed = true;
    wake?.();
  };
  watcher.on("change", (_, name) => {
    const path = name === null ? root : join(root, String(name));
    const concerns = isFile ? basename(path) === basename(source) : path !== own && !path.startsWith(join(own, "/"));
    if (concerns) note();
  });
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
      for (const end = performance.now() + PATIENCE; changed && performance.now() < end && !signal.aborted;) {
        changed = false;
        await pause(QUIET);
      }
      changed = false;
      if (!signal.aborted) await onChange();
    }
  } finally {
    watcher.close();
  }
}
