import { type HostArray, type IEngine, Random } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { createXlaEngine } from "@pipe/engine-xla";
import type { TrainingStepProcessor } from "@pipe/train";
import { gptStep } from "./gpt-step.ts";
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
  const random = new Random(1);
  const step = await gptStep(engine, { size, rows, random });
  const tokens = (): Int32Array =>
    Int32Array.from({ length: rows * size.positions }, () => random.integer(size.vocabulary));
  const batch = () => ({
    ids: tokens(),
    targets: tokens(),
    weights: new Float32Array(rows * size.positions).fill(1),
  });
  return { engine, step, batch };
}
