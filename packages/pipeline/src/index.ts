/**
 * Wires configuration, data, model, training, evaluation, checkpoints and events into one run.
 *
 * @packageDocumentation
 */
export { TrainingPipelineV2, type PipelineOptions, type PipelineResult } from "./training-pipeline-v2.ts";
export { loadExperiment, type LoadedExperiment } from "./experiment.ts";
export { compose, type ComposeOptions, type RunServices } from "./compose.ts";
export { builtInModules } from "./modules.ts";
export { embedderOf, generatorOf, openTrainedModel, resolveCheckpoint, type TrainedModel } from "./trained-model.ts";
export { checkResumable } from "./resumable.ts";
