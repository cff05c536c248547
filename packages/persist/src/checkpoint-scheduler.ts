import { PipeError, type CheckpointRef, type ITrigger, type Progress } from "@pipe/core";

/** When to save, and what to keep. */
export type CheckpointSchedule = {
  /** Steps between two checkpoints; the last step is always saved. */
  readonly every: number;
  /** How many of the newest checkpoints stay; all of them if it is left out. */
  readonly keepLast?: number;
};

/** Decides when a checkpoint is due and which ones are too many; it stores and removes nothing itself. */
export class CheckpointScheduler implements ITrigger {
  readonly #every: number;
  readonly #keepLast: number;

  /** @throws PipeError `option-invalid` unless both numbers are integers from 1. */
  constructor({ every, keepLast = Number.MAX_SAFE_INTEGER }: CheckpointSchedule) {
    for (const [name, value] of Object.entries({ every, keepLast })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new PipeError("option-invalid", "A checkpoint schedule counts in whole steps.", {
          expected: "an integer from 1",
          got: String(value),
          where: name,
        });
      }
    }
    this.#every = every;
    this.#keepLast = keepLast;
  }

  due(progress: Progress): boolean {
    return progress.last || (progress.step > 0 && progress.step % this.#every === 0);
  }

  /** The checkpoints to remove, oldest first. */
  surplus(refs: readonly CheckpointRef[]): readonly CheckpointRef[] {
    const sorted = refs.toSorted((a, b) => a.step - b.step);
    return sorted.slice(0, Math.max(0, sorted.length - this.#keepLast));
  }
}
