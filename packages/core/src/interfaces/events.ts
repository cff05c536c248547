import type { DocumentRef } from "./data.ts";
import type { StepReport } from "./run.ts";

/** Every event of a run and its data: plain, serializable, without tensors. Times are seconds. */
export type EventMap = {
  /** Text is being turned into tokens: what is done so far, every few seconds. */
  "documents-tokenized": { readonly documents: number; readonly tokens: number; readonly bytes: number };
  /** The tokens of a run are there, written now or found from before. */
  "dataset-built": {
    readonly folder: string;
    readonly reused: boolean;
    /** Tokens to train on. */
    readonly train: number;
    /** Tokens to measure with. */
    readonly validation: number;
  };
  "run-started": {
    readonly name: string;
    readonly step: number;
    /** Steps of the budget, where it is one of steps. */
    readonly steps?: number;
    /** Targets of the budget, where it is one of tokens. */
    readonly tokens?: number;
    /** Where the first weights come from, unless they are new. */
    readonly start?: string;
    readonly parameters: number;
    readonly engine: string;
    readonly device: string;
    /** Why this engine, where the recipe left the choice open. */
    readonly engineReason?: string;
    readonly flopsPerStep?: number;
    /** Milliseconds that compiling the step took. */
    readonly compileMs?: number;
    /** Bytes that a step needs at most at one time, by plan. */
    readonly plannedPeakBytes?: number;
  };
  "run-resumed": { readonly step: number; readonly checkpoint: string };
  "run-ended": { readonly step: number; readonly reason: string; readonly seconds: number };
  "epoch-started": { readonly epoch: number; readonly step: number };
  "epoch-ended": { readonly epoch: number; readonly step: number };
  "step-ended": StepReport;
  "step-skipped": { readonly step: number; readonly loss: number; readonly norm: number };
  "evaluation-ended": {
    readonly step: number;
    readonly metrics: { readonly [name: string]: number };
    readonly tokens: number;
    readonly seconds: number;
  };
  "sample-generated": { readonly step: number; readonly prompt: string; readonly text: string };
  "checkpoint-saved": {
    readonly step: number;
    readonly location: string;
    readonly seconds: number;
  };
  "checkpoint-failed": { readonly step: number; readonly message: string };
  "documents-consumed": { readonly step: number; readonly documents: readonly DocumentRef[] };
  "index-updated": { readonly step: number; readonly documents: number; readonly chunks: number };
  "early-stopped": { readonly step: number; readonly metric: string; readonly best: number };
  warning: { readonly message: string; readonly source: string };
};

/** Tells observers what happens; never influences what happens. */
export interface IEventBus {
  /** Calls the listeners of this event in order; one that throws becomes a `warning`. */
  emit<E extends keyof EventMap>(event: E, data: EventMap[E]): void;
  /** Disposing the result ends the subscription. */
  on<E extends keyof EventMap>(event: E, listener: (data: EventMap[E]) => void): Disposable;
}
