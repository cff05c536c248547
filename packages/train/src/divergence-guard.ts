import type { ISchedule, IStateful, Json, Progress, StepReport } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** When refused updates end a run. */
export type DivergenceGuardOptions = {
  /** Steps refused in a row after which training ends; default 10. With 1 the first one ends it. */
  readonly limit?: number;
  /** Refused steps in a row with a finite loss that do not count: a loss scale seeks its size by them. Default 0. */
  readonly patience?: number;
};

/**
 * Ends a run whose updates are refused again and again because the loss or its gradient is not finite, and keeps the factor
 * by which rates are lowered where the run is taken up again before it.
 */
export class DivergenceGuard implements IStateful {
  readonly key = "divergence";
  readonly #limit: number;
  readonly #patience: number;
  /** What rates are multiplied with; 1 until it is lowered. */
  rateFactor = 1;
  #refused = 0;
  #sought = 0;
  #newest: StepReport | undefined;

  /** @throws PipeError `option-invalid`. */
  constructor({ limit = 10, patience = 0 }: DivergenceGuardOptions = {}) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new PipeError("option-invalid", "The number of refused steps that end a run must be positive.", {
        expected: "an integer from 1",
        got: String(limit),
      });
    }
    this.#limit = limit;
    this.#patience = patience;
  }

  /** A schedule whose rates are multiplied with {@link rateFactor}. */
  scale(schedule: ISchedule): ISchedule {
    return { rate: (applied) => schedule.rate(applied) * this.rateFactor };
  }

  /** Notes what a step did; the same report twice counts once. */
  observe(report: StepReport): void {
    if (report.step === this.#newest?.step) return;
    this.#newest = report;
    if (report.accepted) [this.#refused, this.#sought] = [0, 0];
    else if (Number.isFinite(report.loss) && this.#sought < this.#patience) this.#sought++;
    else this.#refused++;
  }

  /** @throws PipeError `training-diverged` after too many refused steps in a row, or at the end of a run that had no other. */
  check({ last, applied }: Pick<Progress, "last" | "applied">): void {
    if (this.#refused >= this.#limit) {
      const count = this.#refused === 1 ? "an update was" : `${this.#refused} updates in a row were`;
      throw diverged(`${count} refused`, this.#newest!);
    }
    if (last && applied === 0 && this.#refused + this.#sought > 0)
      throw diverged("every update was refused", this.#newest!);
  }

  capture(): Json {
    return { rateFactor: this.rateFactor };
  }

  restore(value: Json): void {
    const { rateFactor } = (value ?? {}) as { readonly rateFactor?: unknown };
    if (typeof rateFactor !== "number" || !(rateFactor > 0)) {
      throw new PipeError("state-invalid", "This is not the state of a divergence guard.", {
        got: JSON.stringify(value),
      });
    }
    this.rateFactor = rateFactor;
    [this.#refused, this.#sought] = [0, 0];
    this.#newest = undefined;
  }
}

function diverged(what: string, { step, loss, norm, rate }: StepReport): PipeError {
  return new PipeError("training-diverged", `Training diverged: ${what}, as the loss or its gradient is not finite.`, {
    got: `loss ${loss}, gradient norm ${norm}`,
    where: `step ${step}, rate ${rate.toPrecision(3)}`,
    fix: "lower the learning rate (`pipe find-lr` suggests one), or clip the gradient",
  });
}
