/**
 * Experiment configuration: recipes, overrides, and errors that say what to change.
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
export { ExperimentConfig, type Experiment, type Recipe } from "./experiment-config.ts";
export type { ComponentConfig } from "./component-schema.ts";
export type { Problem } from "./problem.ts";
export { defineRecipe, loadRecipe } from "./recipe.ts";
export { applyOverrides } from "./overrides.ts";
export { kindsOf, type NamedKind } from "./kinds.ts";
