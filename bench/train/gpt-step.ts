import { type IEngine, type IModel, Random } from "@pipe/core";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import type { Size } from "./sizes.ts";

/** How a step of {@link gptStep} is made. */
type GptStepOptions = {
  readonly size: Omit<Size, "rows" | "steps">;
  readonly rows: number;
  readonly precision?: "fp32" | "bf16" | "fp16";
  /** Draws the first weights. */
  readonly random?: Random;
};

/** The step that all benchmarks train: GPT-2 with AdamW, clipped gradients and a constant rate. */
export function gptStep(
  engine: IEngine,
  { size, rows, precision, random = new Random(1) }: GptStepOptions,
): Promise<TrainingStepProcessor> {
  const model = new GPT2Model(size);
  const matrix = { shape: [rows, size.positions], dtype: "int32" } as const;
  return TrainingStepProcessor.create(
    {
      engine,
      model: model as unknown as IModel<{ readonly [name: string]: never }>,
      optimizer: new AdamWOptimizer(model.parameters()),
      gradients: new GradientProcessor({ clip: 1 }),
      schedule: constantSchedule({ rate: 6e-4 }),
      batch: { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } },
      ...(precision === undefined ? {} : { precision }),
      seed: 1,
    },
    initialize(model.parameters(), random),
    { transfer: true },
  );
}
