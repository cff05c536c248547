import type { Experiment } from "@pipe/config";
import { type IModel, type IOptimizer, partSpecs, type TensorSpec } from "@pipe/core";
import type { ServiceContainer } from "@pipe/di";
import { MetricsCalculator, ModelEvaluator, TextGenerator } from "@pipe/eval";
import { ModelOptimizer, type StepPlan } from "@pipe/models";
import { GradientProcessor, MixedPrecisionManager } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import type { Composition } from "./compose.ts";
import { checkModelFits } from "./model-size.ts";
import { runTokens } from "./run-tokens.ts";
import { startWeights } from "./start-from.ts";

/** The model, the step that trains it, and what measures and uses it. */
export function addModel(container: ServiceContainer, composition: Composition): void {
  const { components, experiment, random, schedule: given, distributed } = composition;
  const { data, optimization, evaluation, training } = experiment;

  const { from, ...kindAndSizes } = experiment.model;
  container.scoped(runTokens.model, components.bind("model", kindAndSizes));
  container.scoped(runTokens.parameters, async (services) => (await services.get(runTokens.model)).parameters());
  container.scoped(runTokens.steps, async (services) =>
    stepsOf(experiment, (await services.get(runTokens.train)).windows),
  );
  container.scoped(runTokens.step, async (services) => {
    const [engine, model, { specs }] = await Promise.all([
      services.get(runTokens.engine),
      services.get(runTokens.model),
      services.get(runTokens.train),
    ]);
    const [optimizer, schedule, guard] = await Promise.all([
      components.create("optimizer", optimization.optimizer, services),
      given ?? components.create("schedule", optimization.schedule, services),
      services.get(runTokens.guard),
    ]);
    checkModelFits(model.parameters(), optimizer, engine.device);
    const parts = {
      engine,
      model: model as unknown as IModel<{ readonly [name: string]: never }>,
      optimizer,
      schedule: guard.scale(schedule),
      ...gradientsOf(optimization.clip, training.precision),
      batch: specs,
      seed: random.split("dropout").integer(2 ** 24),
      ...planOf(experiment, model, optimizer, specs, distributed.world),
      distributed,
    };
    const initial =
      typeof from === "string"
        ? await startWeights(from, model.parameters(), await services.get(runTokens.tokenizer))
        : initialize(model.parameters(), random.split("init"));
    return TrainingStepProcessor.create(parts, initial, { transfer: true });
  });

  container.scoped(runTokens.metrics, async (services) => {
    const metrics = evaluation.metrics.map((metric) => components.create("metric", metric, services));
    return new MetricsCalculator(await Promise.all(metrics));
  });
  container.scoped(runTokens.evaluator, async (services) => {
    return new ModelEvaluator({
      engine: await services.get(runTokens.engine),
      model: await services.get(runTokens.model),
      metrics: await services.get(runTokens.metrics),
      batch: (await services.get(runTokens.validation)).specs,
      byteLengths: (await services.get(runTokens.tokenizer)).byteLengths,
    });
  });
  container.scoped(runTokens.generator, async (services) => {
    const [engine, model, tokenizer] = await Promise.all([
      services.get(runTokens.engine),
      services.get(runTokens.model),
      services.get(runTokens.tokenizer),
    ]);
    return new TextGenerator({ engine, model, tokenizer, positions: data.sequenceLength });
  });
}

/** Names of blocks, as the engine takes them. */
function blocksOf(recompute: Experiment["training"]["recompute"]): readonly string[] {
  if (typeof recompute !== "boolean") return recompute;
  return recompute ? ["*"] : [];
}

/** Steps that the budget allows, for schedules that end with it; `windows` are the rows of an epoch. */
function stepsOf({ training, data }: Experiment, windows: number): number {
  const { steps = Infinity, tokens = Infinity, epochs = Infinity, batch } = training;
  const targets = batch * data.sequenceLength;
  return Math.min(steps, Math.ceil(tokens / targets), Math.ceil((epochs * windows) / batch));
}

/** How a batch is split and which blocks are computed again: as the experiment says, or so that a step fits its memory. */
function planOf(
  { training }: Experiment,
  model: IModel,
  optimizer: IOptimizer,
  specs: { readonly [name: string]: TensorSpec },
  world: number,
): Pick<StepPlan, "accumulate" | "recompute"> {
  if (training.memory === undefined) {
    return { accumulate: training.accumulate, recompute: blocksOf(training.recompute) };
  }
  // One of several processes computes its share of the rows.
  const own = partSpecs(specs, world);
  const optimized = new ModelOptimizer({ memoryBytes: training.memory * 1e9 }).plan(model, optimizer, own);
  return { accumulate: optimized.accumulate, recompute: optimized.recompute };
}

/** What tames the gradients, and the precision that they are computed in. */
function gradientsOf(clip: number | null, precision: Experiment["training"]["precision"]) {
  const gradients = new GradientProcessor({ clip });
  if (precision === undefined) return { gradients };
  return { gradients: new MixedPrecisionManager(gradients, { precision }), precision };
}
