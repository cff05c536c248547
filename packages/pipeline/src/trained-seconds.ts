import { existsSync } from "node:fs";
import { readEvents } from "@pipe/monitor";

/**
 * Seconds that a run has trained, by the times in its `events.jsonl`: those between its events, without the pauses before it
 * was resumed. 0 where there is no log.
 */
export async function trainedSeconds(path: string): Promise<number> {
  if (!existsSync(path)) return 0;
  let milliseconds = 0;
  let before: number | undefined;
  for await (const { event, time } of readEvents(path)) {
    if (before !== undefined && event !== "run-started" && event !== "run-resumed")
      milliseconds += Math.max(0, time - before);
    before = time;
  }
  return milliseconds / 1000;
}
