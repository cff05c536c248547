import type { CheckpointMetadata, IStage, Services } from "@pipe/core";
import type { ServiceContainer } from "@pipe/di";
import { EvaluationScheduler } from "@pipe/eval";
import { CheckpointScheduler, ModelCheckpointer, StateManager } from "@pipe/persist";
import {
  BatchProcessor,
  checkpointStage,
  EpochManager,
  evaluationStage,
  sampleStage,
  TrainingOrchestrator,
} from "@pipe/train";
import type { Composition } from "./compose.ts";
import { datasetIdentity } from "./dataset-identity.ts";
import { definedOnly } from "./defined-only.ts";
import { modelFiles } from "./model-files.ts";
import { runTokens } from "./run-tokens.ts";

/** The training loop and what happens between its steps. */
export function addTraining(container: ServiceContainer, composition: Composition): void {
  const { events, checkpoints } = composition;
  const { training } = composition.experiment;

  container.scoped(runTokens.checkpointer, () => new ModelCheckpointer({ folder: checkpoints }));
  container.scoped(runTokens.epochs, () => {
    const { steps, tokens, epochs } = training;
    return new EpochManager(definedOnly({ steps, tokens, epochs }));
  });
  container.scoped(runTokens.trainer, async (services) => {
    const [step, loader, epochs, checkpointer, dataset] = await Promise.all([
      services.get(runTokens.step),
      services.get(runTokens.train),
      services.get(runTokens.epochs),
      services.get(runTokens.checkpointer),
      services.get(runTokens.dataset),
    ]);
    const identity = await datasetIdentity(dataset.folder);
    // The checkpoint holds the state of the trainer, which has the stage that writes it.
    const states = (): StateManager => new StateManager([identity, epochs, trainer]);
    const trainer: TrainingOrchestrator = new TrainingOrchestrator({
      step,
      loader,
      batches: new BatchProcessor(loader.specs),
      epochs,
      events,
      checkpointer,
      restore: (state) => states().restore(state),
      stages: [
        await evaluating(services, composition),
        ...(await sampling(services, composition)),
        await saving(services, composition, () => ({ step: epochs.progress.step, ...states().capture() })),
      ],
    });
    return trainer;
  });
}

async function evaluating(services: Services, { experiment }: Composition): Promise<IStage> {
  const { evaluation } = experiment;
  const validation = await services.get(runTokens.validation);
  return evaluationStage({
    trigger: new EvaluationScheduler(evaluation),
    evaluator: await services.get(runTokens.evaluator),
    batches: () => validation.batches(),
    ...definedOnly({ limit: evaluation.batches }),
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
  { experiment }: Composition,
  state: () => CheckpointMetadata["state"],
): Promise<IStage> {
  const [step, model, tokenizer] = await Promise.all([
    services.get(runTokens.step),
    services.get(runTokens.model),
    services.get(runTokens.tokenizer),
  ]);
  const files = modelFiles(model, tokenizer);
  const schedule = new CheckpointScheduler(experiment.checkpoint);
  return checkpointStage({
    trigger: schedule,
    checkpointer: await services.get(runTokens.checkpointer),
    surplus: (stored) => schedule.surplus(stored),
    metadata: () => ({ parameters: step.parameters, files, state: state() }),
  });
}
