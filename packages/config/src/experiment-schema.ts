import type { ComponentDefinition } from "@pipe/core";
import { z } from "zod";
import { CheckpointConfig } from "./checkpoint-config.ts";
import { DataConfig } from "./data-config.ts";
import { EngineConfig } from "./engine-config.ts";
import { EvaluationConfig } from "./evaluation-config.ts";
import { IndexingConfig } from "./indexing-config.ts";
import { ModelConfig } from "./model-config.ts";
import { MonitoringConfig } from "./monitoring-config.ts";
import { OptimizationConfig } from "./optimization-config.ts";
import { TrainingConfig } from "./training-config.ts";

/** The sections of an experiment, in the order of a recipe. */
export type Sections = ReturnType<typeof sectionsOf>;

/** Makes the sections from the definitions of components. */
export function sectionsOf(definitions: readonly ComponentDefinition[]) {
  return {
    engine: new EngineConfig(definitions),
    data: new DataConfig(definitions),
    model: new ModelConfig(definitions),
    optimization: new OptimizationConfig(definitions),
    training: new TrainingConfig(definitions),
    evaluation: new EvaluationConfig(definitions),
    checkpoint: new CheckpointConfig(),
    monitoring: new MonitoringConfig(),
    indexing: new IndexingConfig(definitions),
  };
}

/** The schema of a whole experiment. */
export function experimentSchema(sections: Sections) {
  return z.strictObject({
    name: z
      .string()
      .regex(/^(?!\.)[\w.-]+$/, { error: "letters, digits, '.', '_' and '-', not beginning with '.'" })
      .default("run")
      .describe("Names the run's folder."),
    seed: z.number().int().default(1).describe("Everything random follows from it."),
    engine: sections.engine.schema,
    data: sections.data.schema,
    model: sections.model.schema,
    optimization: sections.optimization.schema,
    training: sections.training.schema,
    evaluation: sections.evaluation.schema,
    checkpoint: sections.checkpoint.schema,
    monitoring: sections.monitoring.schema,
    indexing: sections.indexing.schema,
    plugins: z
      .array(z.string().min(1))
      .default([])
      .describe("Packages, or files that begin with '.' or '/', that bring components."),
  });
}

/** The fields at the top of a recipe. */
export const topLevelKeys: readonly string[] = Object.keys(experimentSchema(sectionsOf([])).shape);
