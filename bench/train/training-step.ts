import { type HostArray, type IEngine, type IModel, Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { createXlaEngine } from "@pipe/engine-xla";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import type { Size } from "./sizes.ts";
import { xlaPlugin } from "./xla-plugin.ts";

/** Engines by the name of their contender. */
const engines: { readonly [name: string]: () => Promise<IEngine> } = {
  onnx: () => createOnnxEngine({ threads: 2 }),
  xla: () => createXlaEngine({ plugin: xlaPlugin()!, threads: 2 }),
  "xla-bf16": () => createXlaEngine({ plugin: xlaPlugin()!, threads: 2, precision: "bf16" }),
};

/** The training step of a size on an engine of its own, and random batches for it. */
export async function trainingStep(
  { rows, steps: _, ...size }: Size,
  name = "onnx",
): Promise<{
  readonly engine: IEngine;
  readonly step: TrainingStepProcessor;
  batch(): { readonly [name: string]: HostArray };
}> {
  const engine = await engines[name]!();
  const model = new GPT2Model(size);
  const matrix = { shape: [rows, size.positions], dtype: "int32" } as const;
  const random = new Random(1);
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
    initialize(model.parameters(), random),
  );
  const tokens = (): Int32Array =>
    Int32Array.from({ length: rows * size.positions }, () => random.integer(size.vocabulary));
  const batch = () => ({
    ids: tokens(),
    targets: tokens(),
    weights: new Float32Array(rows * size.positions).fill(1),
  });
  return { engine, step, batch };
}
