import type { ITrigger, Progress } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** Due every n-th step and after the last one. */
export class EvaluationScheduler implements ITrigger {
  readonly #every: number;

  /** @throws PipeError `trigger-invalid`. */
  constructor({ every }: { readonly every: number }) {
    if (!Number.isInteger(every) || every < 1) {
      throw new PipeError("trigger-invalid", "An interval must be a positive number of steps.", { got: String(every) });
    }
    this.#every = every;
  }

  due({ step, last }: Progress): boolean {
    return last || step % this.#every === 0;
  }
}
