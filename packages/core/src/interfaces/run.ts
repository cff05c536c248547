import type { Json } from "../json.ts";
import type { CheckpointRef } from "./checkpointer.ts";
import type { Batch } from "./data.ts";
import type { ISnapshot } from "./engine.ts";
import type { IEventBus } from "./events.ts";
import type { DeviceTensor } from "./tensors.ts";

/** Everything that a step changes, on the device. */
export type ModelState = {
  /** Steps attempted so far. */
  readonly step: number;
  readonly params: { readonly [name: string]: DeviceTensor };
  readonly slots: { readonly [slot: string]: { readonly [name: string]: DeviceTensor } };
  /** `applied` (int32: updates applied so far), loss scale and the gradient processor's state. */
  readonly scalars: { readonly [name: string]: DeviceTensor };
};

/** How far a run is. */
export type Progress = {
  /** Steps attempted. */
  readonly step: number;
  /** Updates applied: attempted minus skipped. */
  readonly applied: number;
  /** Targets trained on. */
  readonly tokens: number;
  /** Passes over the data begun before this one. */
  readonly epoch: number;
  /** Whether the budget is used up: this is the last step. */
  readonly last: boolean;
};

/** What one step did. */
export type StepReport = {
  readonly step: number;
  readonly applied: number;
  readonly tokens: number;
  readonly epoch: number;
  /** Mean loss of the batch in nats a token. */
  readonly loss: number;
  readonly rate: number;
  /** Gradient norm before clipping. */
  readonly norm: number;
  /** False where the update was skipped because of a non-finite gradient. */
  readonly accepted: boolean;
  /** Targets in this step. */
  readonly batchTokens: number;
};

/** What a stage may use between two steps. */
export interface StepContext {
  /** Borrowed until `run` returns. */
  readonly state: ModelState;
  readonly progress: Progress;
  readonly batch: Batch;
  /** The newest report that was read; may be a step old. */
  readonly report?: StepReport;
  readonly events: IEventBus;
  readonly signal: AbortSignal;
  /** Whether an abort makes this step the last one, before the budget is used up: it is saved, and what can wait is left out. */
  readonly interrupted: boolean;
  /** Waits for reads in flight; afterwards `report` and `progress` are those of `state`. */
  drain(): Promise<StepReport>;
  /** Makes this step the last one: later stages of this step see `progress.last`, so that the end is saved. */
  stop(reason: "early-stopped"): void;
  /** A stable copy of {@link ModelState} with the paths `params/…`, `slots/…`, `scalars/…`. */
  snapshot(): Promise<ISnapshot>;
}

/** Runs after each step, in the order of the list; asks its trigger first and drains only when due. */
export interface IStage {
  readonly name: string;
  /** What happens when `run` throws. */
  readonly onError: "stop" | "warn" | { readonly retries: number };
  run(context: StepContext): Promise<void>;
}

/** A pure condition on progress. */
export interface ITrigger {
  due(progress: Progress): boolean;
}

/** A part whose state belongs into a checkpoint. */
export interface IStateful {
  /** Its name in `state.json`. */
  readonly key: string;
  capture(): Json;
  /** @throws PipeError `state-invalid` where the value is not what `capture` made. */
  restore(value: Json): void;
}

/** How a training call ended. */
export type TrainResult = {
  readonly reason: "completed" | "aborted" | "early-stopped";
  readonly progress: Progress;
  readonly report?: StepReport;
};

/** Trains a model step by step. */
export interface ITrainer {
  train(options?: { signal?: AbortSignal }): Promise<TrainResult>;
  /** The same loop, one report at a time. */
  steps(options?: { signal?: AbortSignal }): AsyncIterable<StepReport>;
  /** Puts state, cursor and parts back to those of a checkpoint. */
  resume(from: CheckpointRef): Promise<void>;
}
