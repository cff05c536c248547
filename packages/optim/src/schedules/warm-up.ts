import { PipeError } from "@pipe/core";

/** A schedule that rises to its rate over the first updates. */
export type WarmupOptions = {
  /** Highest learning rate. */
  readonly rate: number;
  /** Updates of the rise, which is linear; update number `warmup` (from 0) is the first at the full rate. Default 0. */
  readonly warmup?: number;
  /** Rate of the first update of a rise; default rate / (warmup + 1). With 0 the rise is that of transformers. */
  readonly initial?: number;
};

/** The rate while it rises, and undefined afterwards. */
export function warmUp({ rate, warmup = 0, initial = rate / (warmup + 1) }: WarmupOptions) {
  return (applied: number): number | undefined =>
    applied < warmup ? initial + ((rate - initial) * applied) / warmup : undefined;
}

/** @throws PipeError `schedule-invalid` for a value that is negative or not finite, and for steps without an end. */
export function checkSchedule(values: { readonly [name: string]: number | string | boolean | undefined }): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== "number" || (value >= 0 && value < Infinity)) continue;
    throw new PipeError("schedule-invalid", "A schedule's settings must be finite and not negative.", {
      got: `${name}: ${value}`,
      ...(name === "steps" && value === Infinity
        ? { fix: "give the schedule its own `steps`, or the run a budget of steps, tokens or epochs" }
        : {}),
    });
  }
}
