import { type IEngine, type IModel, messageOf, PipeError, Random, type Services } from "@pipe/core";
import type { ComponentFactory } from "@pipe/di";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import { type Candidate, processors } from "./candidates.ts";
import { type EngineSpeed, rememberSpeeds } from "./measured-speeds.ts";

/** What was measured of an engine, or why it did not run. */
export type MeasuredEngine = Candidate &
  ({ readonly tokensPerSecond: number } | { readonly tokensPerSecond?: undefined; readonly problem: string });

/** How engines are measured. */
export type MeasureOptions = {
  readonly components: ComponentFactory;
  readonly services: Services;
  /** Where the result is remembered. */
  readonly cacheFolder: string;
  /** Seconds for each engine, without compiling; default 6. */
  readonly seconds?: number;
};

/** A GPT of half a million parameters: small enough to be quick, large enough that products lead. */
const size = { vocabulary: 512, positions: 64, width: 128, heads: 4, layers: 2 };
const rows = 4;
/** Steps that do not count. */
const SKIPPED = 5;

/** Trains a small model on each engine for processors that starts here, and remembers how fast it was for `engine: auto`. */
export async function measureEngines(options: MeasureOptions): Promise<readonly MeasuredEngine[]> {
  const { components, services, cacheFolder, seconds = 6 } = options;
  const measured: MeasuredEngine[] = [];
  for (const candidate of processors) {
    try {
      const engine = await components.create("engine", candidate.choice, services);
      try {
        measured.push({ ...candidate, tokensPerSecond: await speedOf(engine, seconds) });
      } finally {
        await engine[Symbol.asyncDispose]();
      }
    } catch (error) {
      if (!PipeError.is(error)) throw error;
      measured.push({ ...candidate, problem: messageOf(error).split("\n")[0]! });
    }
  }
  const speeds = measured.flatMap(({ name, tokensPerSecond }): EngineSpeed[] =>
    tokensPerSecond === undefined ? [] : [{ name, tokensPerSecond }],
  );
  await rememberSpeeds(cacheFolder, speeds);
  return measured;
}

/** Tokens a second of the step that is slower than a quarter of all: other work on the machine only makes steps slower. */
async function speedOf(engine: IEngine, seconds: number): Promise<number> {
  const model = new GPT2Model(size);
  const matrix = { shape: [rows, size.positions], dtype: "int32" } as const;
  const step = await TrainingStepProcessor.create(
    {
      engine,
      model: model as unknown as IModel<{ readonly [name: string]: never }>,
      optimizer: new AdamWOptimizer(model.parameters()),
      gradients: new GradientProcessor({ clip: 1 }),
      schedule: constantSchedule({ rate: 6e-4 }),
      batch: { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } },
      seed: 1,
    },
    initialize(model.parameters(), new Random(1)),
    { transfer: true },
  );
  try {
    const random = new Random(2);
    const ids = Int32Array.from({ length: rows * size.positions }, () => random.integer(size.vocabulary));
    const weights = new Float32Array(ids.length).fill(1);
    const times: number[] = [];
    const begin = performance.now();
    while (times.length <= SKIPPED || performance.now() - begin < 1000 * seconds) {
      const start = performance.now();
      await step.run({ ids, targets: ids, weights });
      await step.drain();
      times.push(performance.now() - start);
    }
    const counted = times.slice(SKIPPED).toSorted((a, b) => a - b);
    return Math.round((1000 * ids.length) / counted[counted.length >> 2]!);
  } finally {
    await step[Symbol.asyncDispose]();
  }
}
