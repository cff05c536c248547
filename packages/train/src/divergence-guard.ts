import type { ISchedule, IStateful, Json, Progress, StepReport } from "@pipe/core";
import { PipeError } from "@pipe/core";

/** When refused updates end a run. */
export type DivergenceGuardOptions = {
  /** Steps refused in a row after which training ends; default 10. With 1 the first one ends it. */
  readonly limit?: number;
};

type State = { readonly rateFactor: number; readonly refused: number };

/**
 * Ends a run whose updates are refused again and again because the loss or its gradient is not finite, and keeps the factor
 * by which rates are lowered where the run is taken up again before it.
 */
export class DivergenceGuard implements IStateful {
  readonly key = "divergence";
  readonly #limit: number;
  #state: State = { rateFactor: 1, refused: 0 };
  #last: StepReport | undefined;

  /** @throws PipeError `option-invalid`. */
  constructor({ limit = 10 }: DivergenceGuardOptions = {}) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new PipeError("option-invalid", "The number of refused steps that end a run must be positive.", {
        expected: "an integer from 1",
        got: String(limit),
      });
    }
    this.#limit = limit;
  }

  /** What rates are multiplied with; 1 until it is lowered. */
  get rateFactor(): number {
    return this.#state.rateFactor;
  }

  set rateFactor(rateFactor: number) {
    this.#state = { ...this.#state, rateFactor };
  }

  /** A schedule whose rates are multiplied with {@link rateFactor}. */
  scale(schedule: ISchedule): ISchedule {
    return { rate: (applied) => schedule.rate(applied) * this.#state.rateFactor };
  }

  /** Notes what a step did. */
  observe(report: StepReport): void {
    this.#state = { ...this.#state, refused: report.accepted ? 0 : this.#state.refused + 1 };
    if (!report.accepted) this.#last = report;
  }

  /** @throws PipeError `training-diverged` after too many refused steps in a row, or at the end of a run that had no other. */
  check({ last, applied }: Progress): void {
    const { refused } = this.#state;
    if (refused >= this.#limit) {
      throw diverged(refused === 1 ? "an update was refused" : `${refused} updates in a row were refused`, this.#last);
    }
    if (last && applied === 0 && refused > 0) throw diverged("every update was refused", this.#last);
  }

  capture(): Json {
    return this.#state;
  }

  restore(value: Json): void {
    const { rateFactor, refused } = (value ?? {}) as Partial<State>;
    if (typeof rateFactor !== "number" || !(rateFactor > 0) || !Number.isSafeInteger(refused)) {
      throw new PipeError("state-invalid", "This is not the state of a divergence guard.", {
        got: JSON.stringify(value),
      });
    }
    this.#state = { rateFactor, refused: refused! };
  }
}

function diverged(what: string, report: StepReport | undefined): PipeError {
  return new PipeError("training-diverged", `Training diverged: ${what}, as the loss or its gradient is not finite.`, {
    ...(report === undefined
      ? {}
      : {
          got: `loss ${report.loss}, gradient norm ${report.norm}`,
          where: `step ${report.step}, rate ${report.rate.toPrecision(3)}`,
        }),
    fix: "lower the learning rate (`pipe find-lr` suggests one), or clip the gradient",
  });
}
