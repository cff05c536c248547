import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Experiment } from "@pipe/config";
import {
  type IBatchLoader,
  type IDataSource,
  type IEngine,
  type IEventBus,
  type IMetric,
  type IModel,
  type IOptimizer,
  type ISchedule,
  type IStateful,
  type ITokenizer,
  PipeError,
  Random,
} from "@pipe/core";
import { type BuildReport, DataLoaderFactory, DatasetBuilder } from "@pipe/data";
import { type ComponentFactory, ServiceContainer } from "@pipe/di";
import { EvaluationScheduler, MetricsCalculator, ModelEvaluator, TextGenerator } from "@pipe/eval";
import { GradientProcessor } from "@pipe/optim";
import { CheckpointScheduler, ModelCheckpointer, StateManager } from "@pipe/persist";
import {
  BatchProcessor,
  checkpointStage,
  EpochManager,
  evaluationStage,
  initialize,
  sampleStage,
  TrainingOrchestrator,
  TrainingStepProcessor,
} from "@pipe/train";

/** What a composition needs beside the experiment. */
export type ComposeOptions = {
  readonly components: ComponentFactory;
  readonly events: IEventBus;
  /** Folder of the run's checkpoints. */
  readonly checkpoints: string;
  /** Where token shards are kept, if the experiment does not say. */
  readonly cache: string;
  readonly signal: AbortSignal;
};

/** Every part of a run by name and type. */
export type RunServices = {
  readonly engine: IEngine;
  readonly source: IDataSource;
  readonly tokenizer: ITokenizer;
  readonly dataset: BuildReport;
  readonly train: IBatchLoader;
  readonly validation: IBatchLoader;
  readonly model: IModel;
  readonly steps: number;
  readonly epochs: EpochManager;
  readonly step: TrainingStepProcessor;
  readonly evaluator: ModelEvaluator;
  readonly generator: TextGenerator;
  readonly checkpointer: ModelCheckpointer;
  readonly trainer: TrainingOrchestrator;
};

/** Registers the parts of a run; nothing is made before it is asked for. */
export function compose(experiment: Experiment, options: ComposeOptions): ServiceContainer {
  const { components, events, checkpoints, cache, signal } = options;
  const { data, training, optimization, evaluation, checkpoint, seed } = experiment;
  const random = new Random(seed);
  const container = new ServiceContainer();
  const get = <K extends keyof RunServices>(name: K): Promise<RunServices[K]> => container.get(name);

  container.register("engine", () => components.create<IEngine>("engine", experiment.engine));

  // Text → tokens → batches.
  container.register("source", (services) => components.create<IDataSource>("source", data.source, services));
  container.register("tokenizer", (services) => components.create<ITokenizer>("tokenizer", data.tokenizer, services));
  container.register("dataset", async () => {
    const { source, tokenizer, split } = data;
    const key = createHash("sha256").update(JSON.stringify({ source, tokenizer, split })).digest("hex").slice(0, 16);
    const builder = new DatasetBuilder({
      source: await get("source"),
      tokenizer: await get("tokenizer"),
      folder: data.folder ?? join(cache, key),
      split,
    });
    return builder.build({ signal });
  });
  const loader = async (split: "train" | "validation"): Promise<IBatchLoader> =>
    new DataLoaderFactory({ folder: (await get("dataset")).folder }).create({
      split,
      batch: training.batch,
      sequenceLength: data.sequenceLength,
      shuffle: split === "train" && data.shuffle,
      seed: random.split("data").integer(2 ** 32),
      repeat: split === "train",
    });
  container.register("train", () => loader("train"));
  container.register("validation", () => loader("validation"));

  // Model, optimizer, step.
  container.register("model", (services) => components.create<IModel>("model", experiment.model, services));
  container.register("parameters", async () => (await get("model")).parameters());
  container.register("steps", async () => stepsOf(experiment, (await get("dataset")).splits.train.tokens));
  container.register("step", async (services) => {
    const model = await get("model");
    const { specs } = await get("train");
    const parts = {
      engine: await get("engine"),
      model: model as unknown as IModel<{ readonly [name: string]: never }>,
      optimizer: await components.create<IOptimizer>("optimizer", optimization.optimizer, services),
      schedule: await components.create<ISchedule>("schedule", optimization.schedule, services),
      gradients: new GradientProcessor({ clip: optimization.clip }),
      batch: specs,
      seed: random.split("dropout").integer(2 ** 24),
    };
    return TrainingStepProcessor.create(parts, initialize(model.parameters(), random.split("init")));
  });

  // What happens between steps.
  container.register("evaluator", async () => {
    const metrics = evaluation.metrics.map((metric) => components.create<IMetric>("metric", metric));
    return new ModelEvaluator({
      engine: await get("engine"),
      model: await get("model"),
      metrics: new MetricsCalculator(await Promise.all(metrics)),
      batch: (await get("validation")).specs,
      byteLengths: (await get("tokenizer")).byteLengths,
    });
  });
  container.register("generator", async () => {
    const [engine, model, tokenizer] = await Promise.all([get("engine"), get("model"), get("tokenizer")]);
    return new TextGenerator({ engine, model, tokenizer, positions: data.sequenceLength });
  });
  container.register("checkpointer", () => new ModelCheckpointer({ folder: checkpoints }));
  container.register("epochs", () => {
    const { steps, tokens, epochs } = training;
    return new EpochManager({
      ...(steps === undefined ? {} : { steps }),
      ...(tokens === undefined ? {} : { tokens }),
      ...(epochs === undefined ? {} : { epochs }),
    });
  });
  container.register("trainer", async () => {
    const [step, train, epochs, checkpointer] = await Promise.all([
      get("step"),
      get("train"),
      get("epochs"),
      get("checkpointer"),
    ]);
    const [model, tokenizer, validation, evaluator, generator] = await Promise.all([
      get("model"),
      get("tokenizer"),
      get("validation"),
      get("evaluator"),
      get("generator"),
    ]);
    const files = { "config.json": `${JSON.stringify(model.config(), null, 2)}\n`, "tokenizer.json": tokenizer.file() };
    const schedule = new CheckpointScheduler(checkpoint);
    const { sample } = evaluation;
    const sampling =
      sample === undefined
        ? []
        : [
            sampleStage({
              trigger: new EvaluationScheduler(sample),
              prompt: sample.prompt,
              generate: ({ params }, prompt) => generator.generate(params, { ...definedOnly(sample), prompt, seed }),
            }),
          ];
    const trainer: TrainingOrchestrator = new TrainingOrchestrator({
      step,
      loader: train,
      batches: new BatchProcessor(train.specs),
      epochs,
      events,
      checkpointer,
      restore: (state) => states.restore(state),
      stages: [
        evaluationStage({
          trigger: new EvaluationScheduler(evaluation),
          evaluator,
          batches: () => validation.batches(),
          ...(evaluation.batches === undefined ? {} : { limit: evaluation.batches }),
        }),
        ...sampling,
        checkpointStage({
          trigger: schedule,
          checkpointer,
          surplus: (stored) => schedule.surplus(stored),
          metadata: () => ({
            parameters: step.parameters,
            files,
            state: { step: epochs.progress.step, ...states.capture() },
          }),
        }),
      ],
    });
    const states = new StateManager([await datasetPart((await get("dataset")).folder), epochs, trainer]);
    return trainer;
  });
  return container;
}

/** Remembers which text a run is trained on: its positions mean nothing on another one. */
async function datasetPart(folder: string): Promise<IStateful> {
  const { source, tokenizer } = await new DataLoaderFactory({ folder }).describe();
  const identity = `${source.fingerprint} ${tokenizer.hash}`;
  return {
    key: "dataset",
    capture: () => identity,
    restore: (stored) => {
      if (stored === identity) return;
      throw new PipeError("resume-changed", "The text has changed since the run was started.", {
        where: folder,
        fix: "resume with the text that the run was started with, or start a new run",
      });
    },
  };
}

/** Steps that the budget allows, for schedules that end with it. */
function stepsOf({ training, data }: Experiment, trainTokens: number): number {
  const { steps = Infinity, tokens = Infinity, epochs = Infinity, batch } = training;
  const targets = batch * data.sequenceLength;
  const windows = Math.max(1, Math.floor(trainTokens / data.sequenceLength));
  return Math.min(steps, Math.ceil(tokens / targets), Math.ceil((epochs * windows) / batch));
}

/** Without the fields that are `undefined`. */
function definedOnly<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never;
}
