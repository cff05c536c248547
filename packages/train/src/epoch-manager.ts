import type { Batch, IStateful, Json, Progress } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** When training ends: at whichever limit comes first. */
export type Budget = {
  /** Steps attempted. */
  readonly steps?: number;
  /** Targets trained on. */
  readonly tokens?: number;
  /** Passes over the data. */
  readonly epochs?: number;
  /** Hours of training, by the clock that the manager is given. */
  readonly hours?: number;
};

type Position = { readonly step: number; readonly applied: number; readonly tokens: number; readonly epoch: number };

/** Knows how far a run is, and when its budget is used up. */
export class EpochManager implements IStateful {
  readonly key = "progress";
  readonly budget: Budget;
  readonly #elapsed: () => number;
  #position: Position = { step: 0, applied: 0, tokens: 0, epoch: 0 };
  #last = false;

  /**
   * @param elapsed seconds that the run has trained so far, in earlier processes too; for a budget of hours.
   * @throws PipeError `budget-invalid` where no limit is given, one is not positive, or hours come without a clock.
   */
  constructor(budget: Budget, elapsed?: () => number) {
    const limits = Object.values(budget);
    if (limits.length === 0 || limits.some((limit) => !(limit > 0))) {
      throw new PipeError("budget-invalid", "A run needs a positive budget of steps, tokens, epochs or hours.", {
        got: JSON.stringify(budget),
      });
    }
    if (budget.hours !== undefined && elapsed === undefined) {
      throw new PipeError("budget-invalid", "A budget of hours needs a clock.", {
        fix: "give `elapsed`, the seconds trained so far",
      });
    }
    this.budget = budget;
    this.#elapsed = elapsed ?? (() => 0);
  }

  get progress(): Progress {
    return { ...this.#position, last: this.#last };
  }

  /** Whether the budget was used up before another step. */
  get done(): boolean {
    return this.#isDone();
  }

  /** Counts one step. */
  advance(batch: Pick<Batch, "tokens" | "epoch">): Progress {
    const { step, applied, tokens, epoch } = this.#position;
    this.#position = { step: step + 1, applied, tokens: tokens + batch.tokens, epoch: batch.epoch ?? epoch };
    this.#last = this.#isDone();
    return this.progress;
  }

  /** Notes how many updates were applied. */
  confirm(applied: number): void {
    this.#position = { ...this.#position, applied };
  }

  /** Makes the present step the last one, as an abort does. */
  finish(): void {
    this.#last = true;
  }

  capture(): Json {
    return this.#position;
  }

  restore(value: Json): void {
    const position = value as Partial<Position> | null;
    const fields = ["step", "applied", "tokens", "epoch"] as const;
    if (!fields.every((field) => Number.isSafeInteger(position?.[field]) && position![field]! >= 0)) {
      throw new PipeError("state-invalid", "This is not the progress of a run.", { got: JSON.stringify(value) });
    }
    this.#position = position as Position;
    this.#last = false;
  }

  #isDone(): boolean {
    const { steps = Infinity, tokens = Infinity, epochs = Infinity, hours = Infinity } = this.budget;
    const { step, tokens: seen, epoch } = this.#position;
    return step >= steps || seen >= tokens || epoch >= epochs || this.#elapsed() >= 3600 * hours;
  }
}
