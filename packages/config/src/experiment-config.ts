import { createHash } from "node:crypto";
import type { ComponentDefinition } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import { CheckpointConfig } from "./checkpoint-config.ts";
import { ConfigBase } from "./config-base.ts";
import { DataConfig } from "./data-config.ts";
import { withDefaultKinds } from "./kinds.ts";
import { EngineConfig } from "./engine-config.ts";
import { EvaluationConfig } from "./evaluation-config.ts";
import { IndexingConfig } from "./indexing-config.ts";
import { ModelConfig } from "./model-config.ts";
import { MonitoringConfig } from "./monitoring-config.ts";
import { OptimizationConfig } from "./optimization-config.ts";
import { type Problem, problemsOf } from "./problem.ts";
import { TrainingConfig } from "./training-config.ts";

function sectionsOf(definitions: readonly ComponentDefinition[]) {
  return {
    engine: new EngineConfig(definitions),
    data: new DataConfig(definitions),
    model: new ModelConfig(definitions),
    optimization: new OptimizationConfig(definitions),
    training: new TrainingConfig(),
    evaluation: new EvaluationConfig(definitions),
    checkpoint: new CheckpointConfig(),
    monitoring: new MonitoringConfig(),
    indexing: new IndexingConfig(),
  };
}

type Sections = ReturnType<typeof sectionsOf>;

function experimentSchema(sections: Sections) {
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
    plugins: z.array(z.string()).default([]).describe("Packages or files that bring components."),
  });
}

/** A checked experiment with all defaults filled in. */
export type Experiment = z.output<ReturnType<typeof experimentSchema>>;

/** What a recipe may hold: everything with a default can be left out. */
export type Recipe = z.input<ReturnType<typeof experimentSchema>>;

/** The configuration of a whole experiment, composed of its sections and the components that are known. */
export class ExperimentConfig extends ConfigBase<ReturnType<typeof experimentSchema>> {
  readonly #sections: Sections;

  private constructor(sections: Sections) {
    super("experiment", experimentSchema(sections));
    this.#sections = sections;
  }

  /** Composes the schema from definitions of components. */
  static from(definitions: readonly ComponentDefinition[]): ExperimentConfig {
    return new ExperimentConfig(sectionsOf(definitions));
  }

  /**
   * Checks a raw recipe and fills the defaults in.
   * @throws PipeError `config-invalid` with every problem: path, expected, got.
   */
  parse(raw: unknown, { origin = "the configuration" }: { readonly origin?: string } = {}): Experiment {
    const whole = withDefaultKinds(raw);
    const parsed = this.schema.safeParse(whole);
    const problems = parsed.success ? this.check(parsed.data) : problemsOf(parsed.error, this.schema, whole);
    if (parsed.success && problems.length === 0) return parsed.data;
    const lines = problems.map(
      ({ path, expected, got }) => `  ${path === "" ? "(top)" : path}: expected ${expected}, got ${got}`,
    );
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    throw new PipeError("config-invalid", `${origin} has ${count}:\n${lines.join("\n")}`, {
      fix: "change these fields; `pipe config schema` lists all of them",
    });
  }

  override check(experiment: Experiment): readonly Problem[] {
    const sections = Object.values(this.#sections) as readonly ConfigBase[];
    return sections.flatMap((section) => section.check(experiment[section.section as keyof Experiment], experiment));
  }

  /** SHA-256 of an experiment, whatever the order of its keys. */
  static hash(experiment: Experiment): string {
    return createHash("sha256").update(canonicalJson(experiment)).digest("hex");
  }
}
