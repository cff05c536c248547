import { type IBatchLoader, serviceTokens, token } from "@pipe/core";
import type { BuildReport, TokenLoader } from "@pipe/data";
import type { MetricsCalculator, ModelEvaluator, TextGenerator } from "@pipe/eval";
import type { CheckpointScheduler, ModelCheckpointer } from "@pipe/persist";
import type { DivergenceGuard, EpochManager, TrainingOrchestrator, TrainingStepProcessor } from "@pipe/train";
import type { IndexAlong } from "./index-along.ts";

/** Every part of a run by name and type: `await run.get(runTokens.trainer)`. */
export const runTokens = {
  ...serviceTokens,
  /** The token shards. */
  dataset: token<BuildReport>("dataset"),
  /** Its windows are the rows of an epoch. */
  train: token<TokenLoader>("train"),
  validation: token<IBatchLoader>("validation"),
  step: token<TrainingStepProcessor>("step"),
  epochs: token<EpochManager>("epochs"),
  /** Lowers rates and ends a run whose loss is not finite. */
  guard: token<DivergenceGuard>("guard"),
  metrics: token<MetricsCalculator>("metrics"),
  evaluator: token<ModelEvaluator>("evaluator"),
  generator: token<TextGenerator>("generator"),
  /** When checkpoints are due, and which one is the best. */
  saves: token<CheckpointScheduler>("saves"),
  checkpointer: token<ModelCheckpointer>("checkpointer"),
  /** The index that learns along; only where the experiment asks for it. */
  indexAlong: token<IndexAlong>("indexAlong"),
  trainer: token<TrainingOrchestrator>("trainer"),
} as const;
