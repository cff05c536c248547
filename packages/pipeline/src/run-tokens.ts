import { type IBatchLoader, serviceTokens, token } from "@pipe/core";
import type { BuildReport } from "@pipe/data";
import type { ModelEvaluator, TextGenerator } from "@pipe/eval";
import type { ModelCheckpointer } from "@pipe/persist";
import type { EpochManager, TrainingOrchestrator, TrainingStepProcessor } from "@pipe/train";

/** Every part of a run by name and type: `await run.get(runTokens.trainer)`. */
export const runTokens = {
  ...serviceTokens,
  /** The token shards. */
  dataset: token<BuildReport>("dataset"),
  train: token<IBatchLoader>("train"),
  validation: token<IBatchLoader>("validation"),
  step: token<TrainingStepProcessor>("step"),
  epochs: token<EpochManager>("epochs"),
  evaluator: token<ModelEvaluator>("evaluator"),
  generator: token<TextGenerator>("generator"),
  checkpointer: token<ModelCheckpointer>("checkpointer"),
  trainer: token<TrainingOrchestrator>("trainer"),
} as const;
