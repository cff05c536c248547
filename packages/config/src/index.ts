/**
 * Experiment configuration: recipes, what is put over them, where each value came from, and errors that say what to change.
 *
 * @packageDocumentation
 */
export { ConfigBase } from "./config-base.ts";
export { EngineConfig } from "./engine-config.ts";
export { DataConfig } from "./data-config.ts";
export { ModelConfig } from "./model-config.ts";
export { OptimizationConfig } from "./optimization-config.ts";
export { TrainingConfig } from "./training-config.ts";
export { EvaluationConfig } from "./evaluation-config.ts";
export { CheckpointConfig } from "./checkpoint-config.ts";
export { MonitoringConfig } from "./monitoring-config.ts";
export { IndexingConfig } from "./indexing-config.ts";
export { ExperimentConfig, type Experiment, type ParseOptions } from "./experiment-config.ts";
export type { ComponentConfig } from "./component-schema.ts";
export type { Fields } from "./fields.ts";
export type { JsonSchema } from "./json-schema.ts";
export type { Problem } from "./problem.ts";
export { defineRecipe, type ComponentInput, type Recipe } from "./recipe.ts";
export { loadRecipe, type LoadRecipeOptions } from "./load-recipe.ts";
export {
  formatOrigin,
  originOf,
  type Origin,
  type Origins,
  type Position,
  type RawConfig,
  rawConfig,
} from "./origin.ts";
export { fromEnvironment, fromFlags, type Assignment } from "./assignments.ts";
export { overlay } from "./overlay.ts";
export { explain, type ExplainedField } from "./explain.ts";
export { kindsOf, type NamedKind } from "./kinds.ts";
export { recipePorts } from "./places.ts";
export { folderOf } from "./resolve-paths.ts";
