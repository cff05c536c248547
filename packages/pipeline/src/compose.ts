import type { Experiment } from "@pipe/config";
import { type IEventBus, type ISchedule, Random } from "@pipe/core";
import { type ComponentFactory, ServiceContainer } from "@pipe/di";
import { type DistributedContext, singleProcess } from "@pipe/train";
import { addData } from "./compose-data.ts";
import { addIndexing } from "./compose-indexing.ts";
import { addModel } from "./compose-model.ts";
import { addTraining } from "./compose-training.ts";
import { runTokens } from "./run-tokens.ts";

/** What a composition needs beside the experiment. */
export type ComposeOptions = {
  readonly components: ComponentFactory;
  readonly events: IEventBus;
  /** Folder of the run's checkpoints. */
  readonly checkpoints: string;
  /** Where token shards are kept, if the experiment does not say. */
  readonly cache: string;
  /** Folder for what can be fetched or made again, such as compiled programs; default the part's own choice. */
  readonly cacheFolder?: string | undefined;
  readonly signal: AbortSignal;
  /** Seconds that the run has trained so far, for a budget of hours; default since the composition. */
  readonly elapsed?: () => number;
  /** Processes that train together; default this one alone. */
  readonly distributed?: DistributedContext;
  /** Learning rates in place of those of the experiment. */
  readonly schedule?: ISchedule;
};

/** What the parts of a composition share. */
export type Composition = ComposeOptions & {
  readonly experiment: Experiment;
  readonly random: Random;
  readonly elapsed: () => number;
  readonly distributed: DistributedContext;
};

/**
 * The composition root: registers every part of an experiment under its token of `runTokens`; nothing is made before it is
 * asked for. The container keeps what trainings may share: engine, text, tokens. Everything that one training owns belongs
 * to a scope: `const run = compose(experiment, options).scope()`.
 */
export function compose(experiment: Experiment, options: ComposeOptions): ServiceContainer {
  const begin = performance.now();
  const elapsed = (): number => (performance.now() - begin) / 1000;
  const composition = {
    elapsed,
    distributed: singleProcess,
    ...options,
    experiment,
    random: new Random(experiment.seed),
  };
  const container = new ServiceContainer();
  const { cacheFolder } = options;
  if (cacheFolder !== undefined) container.singleton(runTokens.cacheFolder, () => cacheFolder);
  container.singleton(runTokens.engine, options.components.bind("engine", experiment.engine));
  addData(container, composition);
  addModel(container, composition);
  addIndexing(container, composition);
  addTraining(container, composition);
  return container;
}
