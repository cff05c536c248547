import type { Experiment } from "@pipe/config";
import { type ICheckpointer, type IEventBus, PipeError, type TrainResult } from "@pipe/core";
import type { DivergenceGuard, TrainingOrchestrator } from "@pipe/train";

/** What training and taking it up again need. */
export type RecoveryParts = {
  readonly trainer: TrainingOrchestrator;
  readonly guard: DivergenceGuard;
  readonly checkpointer: ICheckpointer;
  readonly events: IEventBus;
  readonly policy: Experiment["training"]["onNonFinite"];
  readonly signal: AbortSignal;
  /** Forgets the events after a step. */
  readonly forget: (step: number) => Promise<void>;
};

/**
 * Trains; where training diverges and the policy says so, goes back to the newest checkpoint and on from there at lower rates.
 * @throws PipeError `training-diverged` where the policy has nothing else, its attempts are used up, or there is no checkpoint.
 */
export async function trainWithRecovery(parts: RecoveryParts): Promise<TrainResult> {
  const { trainer, guard, checkpointer, events, policy, signal, forget } = parts;
  let tried = { step: -1, attempts: 0 };
  for (;;) {
    try {
      return await trainer.train({ signal });
    } catch (error) {
      if (!PipeError.is(error, "training-diverged") || typeof policy === "string") throw error;
      const from = (await checkpointer.list()).at(-1);
      if (from === undefined) throw again("before the first checkpoint", "save sooner (checkpoint.every)", error);
      tried = { step: from.step, attempts: from.step === tried.step ? tried.attempts + 1 : 1 };
      const { attempts, rateFactor } = policy;
      if (tried.attempts > attempts) throw again(`after ${attempts} attempts from step ${from.step}`, undefined, error);
      const lowered = guard.rateFactor * rateFactor;
      await forget(from.step);
      await trainer.resume(from);
      guard.rateFactor = lowered;
      const message = `the loss was not finite: back at step ${from.step} with rates times ${lowered} (attempt ${tried.attempts} of ${attempts})`;
      events.emit("warning", { source: "recovery", message });
    }
  }
}

function again(when: string, fix: string | undefined, cause: PipeError): PipeError {
  return new PipeError("training-diverged", `Training diverged ${when}.`, {
    got: cause.message.split("\n", 1)[0]!,
    fix: fix ?? "lower the learning rate (`pipe find-lr` suggests one), or clip the gradient",
    cause,
  });
}
