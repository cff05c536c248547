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
import { anyOf, type DistributedContext, singleProcess } from "./distributed/distributed-context.ts";
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
  /** Processes that train together; they end together. Default this one alone. */
  readonly distributed?: DistributedContext;
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
  /** Reports that `steps()` has not yielded yet. */
  readonly #unread: StepReport[] = [];
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

  /**
   * The loop: every report once, as soon as it is read, which is one step late. Leaving it early keeps the position, so that
   * another call goes on with the next batch.
   */
  async *steps({ signal = new AbortController().signal }: { signal?: AbortSignal } = {}): AsyncGenerator<StepReport> {
    const { step, loader, batches, epochs, events, stages = [], distributed = singleProcess } = this.#parts;
    this.#ending = signal.aborted ? "aborted" : "completed";
    if (epochs.done || signal.aborted) return;
    events.emit("epoch-started", { epoch: epochs.progress.epoch, step: epochs.progress.step });
    const source = loader.batches(this.#cursor)[Symbol.asyncIterator]();
    try {
      for (let next = await source.next(); next.done !== true;) {
        const batch = next.value;
        const before = epochs.progress.epoch;
        const figures = await step.run(batches.process(batch.arrays));
        if (figures !== undefined) this.#report(figures);
        epochs.advance(batch);
        this.#cursor = batch.cursor;
        // Read ahead while the device computes: only so is the last of the batches known as the last.
        if (!epochs.progress.last) next = await source.next();
        if (next.done === true) epochs.finish();
        // Clocks and signals differ between processes: one that ends takes the others with it.
        const [isAborted, isLast] = await anyOf(distributed, signal.aborted, epochs.progress.last);
        if (isAborted! && !epochs.progress.last) this.#ending = "aborted";
        if (isAborted! || isLast!) epochs.finish();
        await runStages(stages, this.#context(batch, signal));
        const [isStopped] = await anyOf(distributed, epochs.progress.last);
        if (isStopped!) epochs.finish();
        const { epoch, step: number, last } = epochs.progress;
        // The report of an epoch's last step comes before its end.
        if (last || epoch > before) await this.#drain();
        if (epoch > before) events.emit("epoch-ended", { epoch: before, step: number });
        if (epoch > before && !last) events.emit("epoch-started", { epoch, step: number });
        while (this.#unread.length > 0) yield this.#unread.shift()!;
        if (last) return;
      }
    } finally {
      await source.return?.();
    }
  }

  async resume(from: CheckpointRef): Promise<void> {
    const { checkpointer, restore, step, events } = this.#parts;
    if (checkpointer === undefined || restore === undefined) {
      throw new PipeError("resume-impossible", "This trainer was made without a checkpointer, so it cannot resume.");
    }
    const { metadata, tensors } = await checkpointer.load(from);
    // The parts first: one of them may refuse, such as that of the data, before any tensor is read.
    restore(metadata.state);
    await step.load(metadata.state.step, tensors());
    this.#reported = undefined;
    this.#unread.length = 0;
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
    const context: { -readonly [K in keyof StepContext]: StepContext[K] } = {
      state: step.state,
      progress: epochs.progress,
      batch,
      ...(reported === undefined ? {} : { report: reported }),
      events,
      signal,
      interrupted: this.#ending === "aborted",
      drain: async () => {
        const report = await this.#drain();
        context.report = report;
        context.progress = epochs.progress;
        return report;
      },
      stop: (reason) => {
        if (epochs.progress.last) return;
        this.#ending = reason;
        epochs.finish();
        context.progress = epochs.progress;
      },
      snapshot: () => step.snapshot(),
    };
    return context;
  }

  /** Reads what is in flight after a step, and reports it unless that was done. */
  async #drain(): Promise<StepReport> {
    const figures = (await this.#parts.step.drain())!;
    return figures.step === this.#reported?.step ? this.#reported : this.#report(figures);
  }

  /** Makes the report of a step, once, and tells the observers. */
  #report(figures: StepFigures): StepReport {
    const { epochs, events } = this.#parts;
    epochs.confirm(figures.applied);
    const { step, applied, loss, rate, norm, accepted, weight } = figures;
    const { tokens, epoch } = epochs.progress;
    this.#reported = { step, applied, tokens, epoch, loss, rate, norm, accepted, batchTokens: weight };
    this.#unread.push(this.#reported);
    events.emit("step-ended", this.#reported);
    if (!accepted) events.emit("step-skipped", { step, loss, norm });
    return this.#reported;
  }
}
