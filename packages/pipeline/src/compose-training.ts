import type { CheckpointMetadata, IMetric, IStage, IStateful, Services } from "@pipe/core";
import { definedOnly, PipeError } from "@pipe/core";
import type { ServiceContainer } from "@pipe/di";
import { EarlyStopping, EvaluationScheduler } from "@pipe/eval";
import { CheckpointScheduler, ModelCheckpointer, StateManager } from "@pipe/persist";
import {
  BatchProcessor,
  checkpointStage,
  DivergenceGuard,
  divergenceStage,
  EpochManager,
  nonFiniteStage,
  evaluationStage,
  sampleStage,
  TrainingOrchestrator,
} from "@pipe/train";
import { addedStages } from "./added-stages.ts";
import type { Composition } from "./compose.ts";
import { indexing } from "./compose-indexing.ts";
import { datasetIdentity } from "./dataset-identity.ts";
import { modelFiles } from "./model-files.ts";
import { runTokens } from "./run-tokens.ts";

/** Keys of parts that a run may gain or lose when it is resumed with other settings. */
const OPTIONAL = ["checkpoints", "earlyStopping", "divergence", "stages"];

/** The training loop and what happens between its steps. */
export function addTraining(container: ServiceContainer, composition: Composition): void {
  const { events, checkpoints, elapsed, experiment, distributed } = composition;
  const { training } = experiment;
  // The loss scale begins at 65,536 and is halved by each refused step, down to 1.
  const patience = training.precision === "fp16" ? 16 : 0;

  container.scoped(runTokens.checkpointer, () => new ModelCheckpointer({ folder: checkpoints }));
  container.scoped(runTokens.epochs, () => {
    const { steps, tokens, epochs, hours } = training;
    return new EpochManager(definedOnly({ steps, tokens, epochs, hours }), elapsed);
  });
  container.scoped(
    runTokens.guard,
    () => new DivergenceGuard({ limit: training.onNonFinite === "skip" ? training.maxSkipped : 1, patience }),
  );
  container.scoped(runTokens.saves, async (services) => {
    const { keepBest, ...schedule } = experiment.checkpoint;
    const metric = keepBest === undefined ? undefined : await metricNamed(services, keepBest, "checkpoint.keepBest");
    return new CheckpointScheduler({
      ...definedOnly(schedule),
      now: () => performance.now(),
      ...(metric === undefined ? {} : { keepBest: { metric: metric.name, better: metric.better } }),
    });
  });
  container.scoped(runTokens.trainer, async (services) => {
    const [step, loader, epochs, checkpointer, dataset, guard, saves] = await Promise.all([
      services.get(runTokens.step),
      services.get(runTokens.train),
      services.get(runTokens.epochs),
      services.get(runTokens.checkpointer),
      services.get(runTokens.dataset),
      services.get(runTokens.guard),
      services.get(runTokens.saves),
    ]);
    const batches = new BatchProcessor(loader.specs);
    const identity = await datasetIdentity(dataset.folder);
    const stopping = await earlyStopping(services, composition);
    const added = await addedStages(services, composition);
    const parts = (): readonly IStateful[] => [identity, epochs, trainer, guard, saves, ...stopping, added.states];
    // The checkpoint holds the state of the trainer, which has the stage that writes it.
    const states = (): StateManager => new StateManager(parts(), { optional: OPTIONAL });
    const trainer: TrainingOrchestrator = new TrainingOrchestrator({
      step,
      loader,
      batches,
      epochs,
      events,
      checkpointer,
      restore: (state) => states().restore(state),
      distributed,
      // What all processes decide alike, and what the main one does for all.
      stages: !distributed.isMain
        ? [divergenceStage(guard)]
        : [
            nonFiniteStage({
              find: (arrays, number) => step.findNonFinite(batches.process(arrays), number),
              patience,
            }),
            divergenceStage(guard),
            await evaluating(services, composition, saves, stopping),
            ...(await sampling(services, composition)),
            ...(await indexing(container, services)),
            ...added.stages,
            await saving(services, saves, () => ({ step: epochs.progress.step, ...states().capture() })),
          ],
    });
    return trainer;
  });
}

/** A metric that is measured, by the name that a field of the experiment has. */
async function metricNamed(services: Services, name: string, where: string): Promise<IMetric> {
  const { metrics } = await services.get(runTokens.metrics);
  const found = metrics.find((metric) => metric.name === name);
  if (found !== undefined) return found;
  throw new PipeError("metric-unknown", "The experiment names a metric that it does not measure.", {
    expected: `one of ${metrics.map((metric) => metric.name).join(", ")}`,
    got: name,
    where,
    fix: "name one of these, or add the metric to evaluation.metrics",
  });
}

async function earlyStopping(services: Services, { experiment }: Composition): Promise<readonly EarlyStopping[]> {
  const { earlyStopping: options } = experiment.evaluation;
  if (options === undefined) return [];
  const { better } = await metricNamed(services, options.metric, "evaluation.earlyStopping.metric");
  return [new EarlyStopping({ ...options, better })];
}

async function evaluating(
  services: Services,
  { experiment }: Composition,
  saves: CheckpointScheduler,
  stopping: readonly EarlyStopping[],
): Promise<IStage> {
  const { evaluation } = experiment;
  const validation = await services.get(runTokens.validation);
  return evaluationStage({
    trigger: new EvaluationScheduler(evaluation),
    evaluator: await services.get(runTokens.evaluator),
    batches: () => validation.batches(),
    ...definedOnly({ limit: evaluation.batches }),
    onReport: (report, context) => {
      saves.observe(report);
      for (const each of stopping) each.observe(report, context);
    },
  });
}

async function sampling(services: Services, { experiment }: Composition): Promise<readonly IStage[]> {
  const { evaluation, seed } = experiment;
  const { sample } = evaluation;
  if (sample === undefined) return [];
  const generator = await services.get(runTokens.generator);
  const stage = sampleStage({
    trigger: new EvaluationScheduler(sample),
    prompt: sample.prompt,
    generate: ({ params }, prompt) =>
      generator.generate(params, { ...definedOnly(sample), prompt, seed, overflow: "slide" }),
  });
  return [stage];
}

async function saving(
  services: Services,
  saves: CheckpointScheduler,
  state: () => CheckpointMetadata["state"],
): Promise<IStage> {
  const [step, model, tokenizer] = await Promise.all([
    services.get(runTokens.step),
    services.get(runTokens.model),
    services.get(runTokens.tokenizer),
  ]);
  const files = modelFiles(model, tokenizer);
  return checkpointStage({
    trigger: saves,
    checkpointer: await services.get(runTokens.checkpointer),
    surplus: (stored) => saves.surplus(stored),
    metadata: () => ({ parameters: step.parameters, files, state: state() }),
  });
}
