import type { ISchedule } from "@pipe/core";
import { checkSchedule, warmUp, type WarmupOptions } from "./warm-up.ts";

/** The same rate after the warm-up. @throws PipeError `schedule-invalid`. */
export function constantSchedule(options: WarmupOptions): ISchedule {
  checkSchedule(options);
  const rising = warmUp(options);
  return { rate: (applied) => rising(applied) ?? options.rate };
}
