import type { CompileOptions, IEngine, IModel, TensorSpec } from "@pipe/core";
import { Random } from "@pipe/core";
import type { trace } from "@pipe/graph";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import type { Size } from "../train/sizes.ts";

type Captured = {
  readonly program: Parameters<typeof trace>[0];
  readonly specs: Parameters<typeof trace>[1];
  readonly options: CompileOptions;
};

/** The program of a training step and how it wants to be compiled, without an engine that would run it. */
export async function capturedStep({ rows, ...size }: Omit<Size, "steps">): Promise<Captured> {
  let captured: Captured | undefined;
  const caught = new Error("captured");
  const engine = {
    compile: (program: Captured["program"], specs: Captured["specs"], options: CompileOptions) => {
      captured = { program, specs, options };
      return Promise.reject(caught);
    },
  } as unknown as IEngine;
  const model = new GPT2Model(size);
  const matrix: TensorSpec = { shape: [rows, size.positions], dtype: "int32" };
  const making = TrainingStepProcessor.create(
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
  );
  await making.catch((error: unknown) => {
    if (error !== caught) throw error;
  });
  return captured!;
}
