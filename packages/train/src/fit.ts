import type {
  Batch,
  HostArray,
  IBatchLoader,
  IEngine,
  IGradientProcessor,
  IModel,
  IOptimizer,
  ISchedule,
  ModelState,
  StepReport,
  TensorSpec,
} from "@pipe/core";
import { dtypeOf, PipeError, Random } from "@pipe/core";
import { BatchProcessor } from "./batch-processor.ts";
import { DivergenceGuard } from "./divergence-guard.ts";
import { divergenceStage } from "./divergence-stage.ts";
import { EpochManager } from "./epoch-manager.ts";
import { initialize } from "./initialize.ts";
import { meanGradients } from "./mean-gradients.ts";
import { TrainingOrchestrator } from "./training-orchestrator.ts";
import { TrainingStepProcessor } from "./training-step-processor.ts";

/** Arrays of one batch, the first size being the rows. */
export type FitBatch = { readonly [name: string]: { readonly shape: readonly number[]; readonly data: HostArray } };

/** What `fit` needs. */
export type FitOptions<B> = {
  readonly model: IModel<B>;
  readonly optimizer: IOptimizer;
  readonly engine: IEngine;
  /** Batches of equal shapes; they may come again and again. */
  readonly batches: Iterable<FitBatch> | AsyncIterable<FitBatch>;
  /** Steps at most; default until the batches end. */
  readonly steps?: number;
  /** A learning rate, or a schedule. */
  readonly rate: number | ISchedule;
  /** What happens to gradients; default {@link meanGradients}, which does not clip. */
  readonly gradients?: IGradientProcessor;
  /** Seed of initial values and dropout; default 0. */
  readonly seed?: number;
  readonly onStep?: (report: StepReport) => void;
  readonly signal?: AbortSignal;
};

/** What `fit` leaves: the state on the engine, which is the caller's, and the last report. */
export type FitResult = { readonly state: ModelState; readonly report: StepReport | undefined };

/**
 * Trains any model on any batches with a compiled step, without configuration or container.
 * @throws PipeError `batches-empty`, `batch-invalid`, and what compiling and running throw.
 */
export async function fit<B>(options: FitOptions<B>): Promise<FitResult> {
  const {
    model,
    optimizer,
    gradients = meanGradients,
    engine,
    rate,
    steps = Number.MAX_SAFE_INTEGER,
    seed = 0,
    onStep,
    signal,
  } = options;
  const { first, all } = await peek(options.batches);
  const specs = Object.fromEntries(
    Object.entries(first).map(([name, { shape, data }]): [string, TensorSpec] => [
      name,
      { shape, dtype: dtypeOf(data) },
    ]),
  );
  const random = new Random(seed);
  const step = await TrainingStepProcessor.create(
    {
      model,
      optimizer,
      engine,
      gradients,
      schedule: typeof rate === "number" ? { rate: () => rate } : rate,
      batch: specs,
      seed: random.split("dropout").integer(2 ** 24),
    },
    initialize(model.parameters(), random.split("init")),
    { transfer: true },
  );
  const trainer = new TrainingOrchestrator({
    step,
    loader: loaderOf(specs, all),
    batches: new BatchProcessor(specs),
    epochs: new EpochManager({ steps }),
    stages: [divergenceStage(new DivergenceGuard())],
    events: { emit: () => undefined, on: () => ({ [Symbol.dispose]: () => undefined }) },
  });
  let report: StepReport | undefined;
  try {
    for await (report of trainer.steps(signal === undefined ? {} : { signal })) onStep?.(report);
  } catch (error) {
    // The failure of the run is the one to tell, not what follows from it.
    await step[Symbol.asyncDispose]().catch(() => undefined);
    throw error;
  }
  return { state: await step.release(), report };
}

/** The first batch, and all of them in their order. */
async function peek(batches: FitOptions<never>["batches"]): Promise<{ first: FitBatch; all: AsyncIterable<FitBatch> }> {
  const iterator = Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]();
  const { done, value } = await iterator.next();
  if (done === true) throw new PipeError("batches-empty", "fit() was given no batches.");
  const first = value;
  async function* all(): AsyncGenerator<FitBatch> {
    try {
      yield first;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { first, all: all() };
}

function loaderOf(specs: IBatchLoader["specs"], batches: AsyncIterable<FitBatch>): IBatchLoader {
  return {
    specs,
    async *batches(): AsyncGenerator<Batch> {
      for await (const batch of batches) {
        const arrays = Object.fromEntries(Object.entries(batch).map(([name, { data }]) => [name, data]));
        yield { arrays, tokens: Object.values(batch)[0]!.shape[0]!, cursor: null, documents: [] };
      }
    },
    text: () => Promise.reject(new PipeError("document-unknown", "Batches of fit() have no documents.")),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
