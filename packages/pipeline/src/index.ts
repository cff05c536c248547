/**
 * Wires configuration, data, model, training, evaluation, checkpoints and events into one run.
 *
 * @packageDocumentation
 */
export { TrainingPipelineV2, type PipelineOptions, type PipelineResult } from "./training-pipeline-v2.ts";
export { loadExperiment, loadInstalled, type LoadedExperiment } from "./experiment.ts";
export { compose, type ComposeOptions } from "./compose.ts";
export { measureEngines, type MeasuredEngine, type MeasureOptions } from "./engine-choice/measure-engines.ts";
export { chooseEngine, type ChosenEngine } from "./engine-choice/choose-engine.ts";
export type { Candidate, EngineChoice } from "./engine-choice/candidates.ts";
export { findLearningRate, type FindLearningRateOptions } from "./find-learning-rate.ts";
export { checkSameTokens, tokenizerOptions, withStart } from "./start-from.ts";
export { runTokens } from "./run-tokens.ts";
export { loadPlugin } from "./load-plugin.ts";
export { builtInModules, type BuiltInDefinitions } from "./modules.ts";
export {
  embedderOf,
  generatorOf,
  openTrainedModel,
  readTrainedModel,
  type StoredModel,
  type TrainedModel,
} from "./trained-model.ts";
export { importHuggingFace, type ImportOptions } from "./import-model.ts";
export { exportHuggingFace, refuseExisting } from "./export-model.ts";
export { type IndexParts, type IndexPartsConfig, type IndexPartsOptions, openIndexParts } from "./index-parts.ts";
export { checkResumable } from "./resumable.ts";
