import type { EventMap, StepReport } from "@pipe/core";

/** What stays of an event as text: a saved checkpoint, a warning. */
export type RunNote = {
  readonly event: string;
  /** Milliseconds of the collector's clock. */
  readonly time: number;
  readonly text: string;
};

/** Everything that a collector knows; null is what is not known yet. */
export type MetricsSnapshot = {
  readonly run: EventMap["run-started"] | null;
  /** The newest step. */
  readonly report: StepReport | null;
  /** The newest evaluation. */
  readonly evaluation: EventMap["evaluation-ended"] | null;
  readonly skipped: number;
  /** Targets a second, over the newest half second or step. */
  readonly tokensPerSecond: number | null;
  /** Seconds in which the run was under way, pauses between its parts left out. */
  readonly seconds: number;
  /** Seconds until the budget is used up, at the pace since it was started or resumed. */
  readonly etaSeconds: number | null;
  /** How the run ended; null while it is under way. */
  readonly ended: string | null;
  /** The newest samples, oldest first. */
  readonly samples: readonly EventMap["sample-generated"][];
  /** The newest notes, oldest first. */
  readonly notes: readonly RunNote[];
  /** Steps and values of each series. */
  readonly series: { readonly [name: string]: readonly (readonly [step: number, value: number])[] };
};
