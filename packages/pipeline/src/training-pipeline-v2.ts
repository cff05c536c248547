import { join } from "node:path";
import { type Experiment, ExperimentConfig } from "@pipe/config";
import {
  type CheckpointRef,
  type DeviceInfo,
  type IEngine,
  type IEventBus,
  type Json,
  PipeError,
  sizeOf,
  type TrainResult,
} from "@pipe/core";
import type { ComponentFactory, ServiceContainer } from "@pipe/di";
import { EventBus } from "@pipe/monitor";
import { createRun, lockRun, ModelCheckpointer, openRun, type RunFolder } from "@pipe/persist";
import { type DistributedContext, singleProcess } from "@pipe/train";
import { compose } from "./compose.ts";
import { mainFirst } from "./main-first.ts";
import { checkResumable } from "./resumable.ts";
import { RunLog } from "./run-log.ts";
import { runTokens } from "./run-tokens.ts";
import { trainWithRecovery } from "./train-with-recovery.ts";
import { trainedSeconds } from "./trained-seconds.ts";

/** Where and how a run happens. */
export type PipelineOptions = {
  readonly components: ComponentFactory;
  /** Folder of all runs; the run's own is `<runsDir>/<name>`. */
  readonly runsDir: string;
  /** Folder for what can be fetched or made again, such as compiled programs; default each part's own choice. */
  readonly cacheFolder?: string | undefined;
  /** Continue the run of this name from its newest complete checkpoint. */
  readonly resume?: boolean;
  /** Gets everything that happens; default a new bus that nobody hears. */
  readonly events?: IEventBus;
  /**
   * Processes that train together, each with the same experiment and folder of runs: the main one logs, evaluates and
   * saves. Default this one alone.
   */
  readonly distributed?: DistributedContext;
  /** Finishes the step, saves and returns. */
  readonly signal?: AbortSignal;
  /** Milliseconds of a clock, for the event log. */
  readonly now: () => number;
  /** Versions that `run.json` keeps. */
  readonly versions?: { readonly [name: string]: string };
};

/** A finished run. */
export type PipelineResult = TrainResult & {
  readonly run: RunFolder;
  /** The newest checkpoint; none where the run was stopped before its first step. */
  readonly checkpoint: CheckpointRef | undefined;
};

/** The whole of a run: data, model, training, evaluation, checkpoints and events, from a checked experiment. */
export class TrainingPipelineV2 {
  readonly #experiment: Experiment;
  readonly #options: PipelineOptions;
  /** Seconds of earlier processes, and when this one began to train. */
  #clock: { readonly before: number; readonly begin: number } | undefined;

  constructor(experiment: Experiment, options: PipelineOptions) {
    this.#experiment = experiment;
    this.#options = options;
  }

  /**
   * Trains until the budget is used up or the signal aborts; the last state is always saved.
   * @throws PipeError `run-exists`, `run-missing`, `run-locked`, `resume-changed`, `checkpoint-…`,
   * `training-diverged`, and what the parts throw.
   */
  async run(): Promise<PipelineResult> {
    const { components, runsDir, cacheFolder, resume = false, events = new EventBus(), now } = this.#options;
    const { signal = new AbortController().signal, distributed = singleProcess } = this.#options;
    const experiment = this.#experiment;
    const path = join(runsDir, experiment.name);
    if (resume) checkResumable((await openRun(path)).info.config as unknown as Experiment, experiment);
    const container = compose(await this.#composed(path), {
      components,
      events,
      signal,
      checkpoints: join(path, "checkpoints"),
      cache: join(runsDir, ".data"),
      cacheFolder,
      elapsed: () => this.#elapsed(),
      distributed,
    });
    try {
      // All parts are made first, so that a missing corpus or a wrong size leaves no empty run behind.
      const parts = await mainFirst(distributed, () => container.scope().start());
      const engine = await parts.get(runTokens.engine);
      const isNew = !resume && distributed.isMain;
      const [folder, lock] = await mainFirst(distributed, async () => [
        isNew ? await createRun(path, this.#info(engine)) : await openRun(path),
        distributed.isMain ? await lockRun(path) : undefined,
      ]);
      try {
        return await this.#train(parts, folder, { events, signal, now, resume, distributed });
      } finally {
        await lock?.[Symbol.asyncDispose]();
      }
    } finally {
      await container[Symbol.asyncDispose]();
    }
  }

  async #train(
    parts: ServiceContainer,
    folder: RunFolder,
    options: Required<Pick<PipelineOptions, "events" | "signal" | "now" | "resume" | "distributed">>,
  ): Promise<PipelineResult> {
    const {
      name,
      training,
      model: { from: start },
    } = this.#experiment;
    const { events, signal, now, resume, distributed } = options;
    const checkpointer = await parts.get(runTokens.checkpointer);
    if (distributed.isMain) await checkpointer.sweep();
    const trainer = await parts.get(runTokens.trainer);
    // A run that was stopped before its first checkpoint starts again from the beginning.
    const from = resume ? await newest(checkpointer) : undefined;
    const log = distributed.isMain ? new RunLog(folder, events, now) : undefined;
    try {
      await log?.open(resume ? { after: from?.step ?? 0 } : {});
      const before = resume && distributed.isMain ? await trainedSeconds(folder.events) : 0;
      const begin = performance.now();
      this.#clock = { before, begin };
      if (from !== undefined) await trainer.resume(from);
      const [engine, step, model] = await Promise.all([
        parts.get(runTokens.engine),
        parts.get(runTokens.step),
        parts.get(runTokens.model),
      ]);
      events.emit("run-started", {
        name,
        step: step.state.step,
        ...(training.steps === undefined ? {} : { steps: training.steps }),
        ...(training.tokens === undefined ? {} : { tokens: training.tokens }),
        ...(typeof start === "string" && step.state.step === 0 ? { start } : {}),
        parameters: model.parameters().reduce((sum, { shape }) => sum + sizeOf(shape), 0),
        engine: engine.device.name,
        device: `${engine.device.kind}, ${devicesOf(engine.device)}${distributed.world > 1 ? ` in each of ${distributed.world} processes` : ""}`,
        ...(engine.device.reason === undefined ? {} : { engineReason: engine.device.reason }),
        flopsPerStep: step.report.flops,
        compileMs: Math.round(step.report.compileMs),
        plannedPeakBytes: step.report.plannedPeakBytes,
      });
      for (const message of step.report.warnings) events.emit("warning", { source: "compile", message });
      if (from !== undefined && training.hours !== undefined) {
        const message = "a budget of hours ends by the clock: this run need not end as one that was not interrupted";
        events.emit("warning", { source: "resume", message });
      }
      const ended = (number: number, reason: string): void =>
        events.emit("run-ended", { step: number, reason, seconds: (performance.now() - begin) / 1000 });
      const result = await trainWithRecovery({
        trainer,
        guard: await parts.get(runTokens.guard),
        checkpointer,
        events,
        policy: training.onNonFinite,
        signal,
        forget: async (after) => log?.open({ after }),
      }).catch((error: unknown) => {
        if (PipeError.is(error, "training-diverged")) ended(step.state.step, "diverged");
        throw error;
      });
      ended(result.progress.step, result.reason);
      return { ...result, run: folder, checkpoint: await newest(checkpointer) };
    } finally {
      await log?.[Symbol.asyncDispose]();
    }
  }

  #elapsed(): number {
    return this.#clock === undefined ? 0 : this.#clock.before + (performance.now() - this.#clock.begin) / 1000;
  }

  /** The experiment; without the weights that it started from where a checkpoint replaces them, so that they may be gone. */
  async #composed(path: string): Promise<Experiment> {
    const experiment = this.#experiment;
    const { from, ...model } = experiment.model;
    if (from === undefined || this.#options.resume !== true) return experiment;
    const stored = await newest(new ModelCheckpointer({ folder: join(path, "checkpoints") }));
    return stored === undefined ? experiment : { ...experiment, model };
  }

  #info(engine: IEngine): RunFolder["info"] {
    return {
      name: this.#experiment.name,
      config: this.#experiment as unknown as Json,
      configHash: ExperimentConfig.hash(this.#experiment),
      versions: this.#options.versions ?? {},
      engine: engine.name,
      device: engine.device.name,
    };
  }
}

async function newest(checkpointer: ModelCheckpointer): Promise<CheckpointRef | undefined> {
  return (await checkpointer.list()).at(-1);
}

/** `2 threads`, `4 devices`, or both. */
function devicesOf({ threads, count }: DeviceInfo): string {
  const devices = count === 1 && threads !== undefined ? [] : [`${count} ${count === 1 ? "device" : "devices"}`];
  return [...(threads === undefined ? [] : [`${threads} threads`]), ...devices].join(" as ");
}
