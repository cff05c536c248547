import type {
  Batch,
  CheckpointRef,
  Cursor,
  IBatchLoader,
  ICheckpointer,
  IEventBus,
  IStage,
  IStateful,
  ITrainer,
  Json,
  StepContext,
  StepReport,
  TrainResult,
} from "@pipe/core";
import { PipeError } from "@pipe/core";
import type { BatchProcessor } from "./batch-processor.ts";
import type { EpochManager } from "./epoch-manager.ts";
import { runStages } from "./stage-runner.ts";
import type { StepFigures, TrainingStepProcessor } from "./training-step-processor.ts";

/** The parts of a run. */
export type TrainingParts = {
  readonly step: Pick<TrainingStepProcessor, "run" | "drain" | "state" | "snapshot" | "load">;
  readonly loader: IBatchLoader;
  readonly batches: BatchProcessor;
  readonly epochs: EpochManager;
  readonly events: IEventBus;
  /** Run after each step, in this order. */
  readonly stages?: readonly IStage[];
  /** Where `resume` reads. */
  readonly checkpointer?: ICheckpointer;
  /** Puts the captured states of the run's parts back; those of `epochs` and of this orchestrator are among them. */
  readonly restore?: (state: Json) => void;
};

/** The training loop: steps, stages, budget, abort and resume. */
export class TrainingOrchestrator implements ITrainer, IStateful {
  readonly key = "data";
  readonly #parts: TrainingParts;
  #cursor: Cursor | undefined;
  #reported: StepReport | undefined;
  #ending: TrainResult["reason"] = "completed";

  constructor(parts: TrainingParts) {
    this.#parts = parts;
  }

  async train(options: { signal?: AbortSignal } = {}): Promise<TrainResult> {
    const reports = this.steps(options);
    while ((await reports.next()).done !== true);
    const report = this.#reported;
    const { progress } = this.#parts.epochs;
    return { reason: this.#ending, progress, ...(report === undefined ? {} : { report }) };
  }

  /** The loop: one report a step, each as soon as it is read, which is one step late. */
  async *steps({ signal = new AbortController().signal }: { signal?: AbortSignal } = {}): AsyncGenerator<StepReport> {
    const { step, loader, batches, epochs, events, stages = [] } = this.#parts;
    this.#ending = "completed";
    if (epochs.done) return;
    events.emit("epoch-started", { epoch: epochs.progress.epoch, step: epochs.progress.step });
    for await (const batch of loader.batches(this.#cursor)) {
      const before = epochs.progress.epoch;
      const figures = await step.run(batches.process(batch.arrays));
      if (figures !== undefined) yield this.#report(figures);
      epochs.advance(batch);
      this.#cursor = batch.cursor;
      if (signal.aborted && !epochs.progress.last) {
        this.#ending = "aborted";
        epochs.finish();
      }
      await runStages(stages, this.#context(batch, signal));
      const { epoch, step: number, last } = epochs.progress;
      if (epoch > before) events.emit("epoch-ended", { epoch: before, step: number });
      if (last) break;
      if (epoch > before) events.emit("epoch-started", { epoch, step: number });
    }
    const final = await step.drain();
    if (final !== undefined && final.step !== this.#reported?.step) yield this.#report(final);
  }

  async resume(from: CheckpointRef): Promise<void> {
    const { checkpointer, restore, step, events } = this.#parts;
    if (checkpointer === undefined || restore === undefined) {
      throw new PipeError("resume-impossible", "This trainer was made without a checkpointer, so it cannot resume.");
    }
    const { metadata, tensors } = await checkpointer.load(from);
    await step.load(metadata.state.step, tensors());
    restore(metadata.state);
    this.#reported = undefined;
    events.emit("run-resumed", { step: metadata.state.step, checkpoint: from.location });
  }

  capture(): Json {
    return this.#cursor ?? null;
  }

  restore(value: Json): void {
    this.#cursor = value ?? undefined;
  }

  #context(batch: Batch, signal: AbortSignal): StepContext {
    const { step, epochs, events } = this.#parts;
    const reported = this.#reported;
    return {
      state: step.state,
      progress: epochs.progress,
      batch,
      ...(reported === undefined ? {} : { report: reported }),
      events,
      signal,
      drain: async () => {
        const figures = (await step.drain())!;
        return figures.step === this.#reported?.step ? this.#reported : this.#report(figures);
      },
      snapshot: () => step.snapshot(),
    };
  }

  /** Makes the report of a step, once, and tells the observers. */
  #report(figures: StepFigures): StepReport {
    const { epochs, events } = this.#parts;
    epochs.confirm(figures.applied);
    const { step, applied, loss, rate, norm, accepted, weight } = figures;
    const { tokens, epoch } = epochs.progress;
    this.#reported = { step, applied, tokens, epoch, loss, rate, norm, accepted, batchTokens: weight };
    events.emit("step-ended", this.#reported);
    if (!accepted) events.emit("step-skipped", { step, loss, norm });
    return this.#reported;
  }
}
