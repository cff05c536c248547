import { join } from "node:path";
import type { Experiment } from "@pipe/config";
import type { Batch, ISchedule } from "@pipe/core";
import type { ComponentFactory } from "@pipe/di";
import { EventBus } from "@pipe/monitor";
import {
  LearningRateFinder,
  type LearningRateFinderOptions,
  type LearningRatePoint,
  type LearningRateReport,
} from "@pipe/optim";
import { BatchProcessor } from "@pipe/train";
import { compose } from "./compose.ts";
import { runTokens } from "./run-tokens.ts";

/** Where and how a learning rate is searched for. */
export type FindLearningRateOptions = LearningRateFinderOptions & {
  readonly components: ComponentFactory;
  /** Where token shards are kept, if the experiment does not say. */
  readonly cache: string;
  /** Folder for what can be fetched or made again, such as compiled programs; default each part's own choice. */
  readonly cacheFolder?: string | undefined;
  /** Ends the search with what is known. */
  readonly signal?: AbortSignal;
  /** Called after each step. */
  readonly onPoint?: (point: LearningRatePoint) => void;
};

/**
 * Searches a learning rate for an experiment from its initial weights and its first batches. The training is the search's
 * own and is thrown away: no run is made or changed.
 * @throws PipeError `finder-invalid`, `rate-not-found`, and what the parts throw.
 */
export async function findLearningRate(
  experiment: Experiment,
  {
    components,
    cache,
    cacheFolder,
    signal = new AbortController().signal,
    onPoint,
    ...options
  }: FindLearningRateOptions,
): Promise<LearningRateReport> {
  const finder = new LearningRateFinder(options);
  let tried = 0;
  const schedule: ISchedule = { rate: () => tried };
  // Nothing asks for the checkpointer, so this folder never comes to be.
  const checkpoints = join(cache, "find-lr");
  const container = compose(experiment, {
    components,
    events: new EventBus(),
    checkpoints,
    cache,
    cacheFolder,
    signal,
    schedule,
  });
  let batches: AsyncIterator<Batch> | undefined;
  try {
    const parts = container.scope();
    const [step, loader] = [await parts.get(runTokens.step), await parts.get(runTokens.train)];
    const processor = new BatchProcessor(loader.specs);
    batches = loader.batches()[Symbol.asyncIterator]();
    const source = batches;
    const trial = {
      step: async (rate: number) => {
        tried = rate;
        // The loader of a training repeats: it has no end.
        const { arrays } = (await source.next()).value as Batch;
        await step.run(processor.process(arrays));
        return (await step.drain())!;
      },
    };
    return await finder.find(trial, { signal, ...(onPoint === undefined ? {} : { onPoint }) });
  } finally {
    await batches?.return?.();
    await container[Symbol.asyncDispose]();
  }
}
