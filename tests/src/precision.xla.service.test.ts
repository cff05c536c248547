import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createXlaEngine } from "@pipe/engine-xla";
import { definedOnly, type HostArray, type IEngine, type IModel, Random } from "@pipe/core";
import { GPT2Model } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor, MixedPrecisionManager } from "@pipe/optim";
import { initialize, TrainingStepProcessor } from "@pipe/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const plugin = process.env["PIPE_XLA_CPU"];
const [rows, length, steps] = [8, 16, 40];
const model = new GPT2Model({ vocabulary: 32, positions: length, width: 32, layers: 2, heads: 2 });

/** Sequences that count on by one to four: something that is soon learnt. */
function batch(random: Random): { readonly [name: string]: HostArray } {
  const sequences = Array.from({ length: rows }, () => {
    const [begin, by] = [random.integer(32), 1 + random.integer(4)];
    return Array.from({ length: length + 1 }, (_, i) => (begin + by * i) % 32);
  });
  return {
    ids: Int32Array.from(sequences.flatMap((row) => row.slice(0, -1))),
    targets: Int32Array.from(sequences.flatMap((row) => row.slice(1))),
    weights: new Float32Array(rows * length).fill(1),
  };
}

type Precision = "fp32" | "bf16" | "fp16";
type Run = { readonly losses: readonly number[]; readonly skipped: number; readonly scale: number | undefined };

async function train(engine: IEngine, seed: number, precision: Precision, initialScale?: number): Promise<Run> {
  const matrix = { shape: [rows, length], dtype: "int32" } as const;
  const manager = new MixedPrecisionManager(new GradientProcessor({ clip: 1 }), {
    precision,
    growthInterval: 20,
    ...definedOnly({ initialScale }),
  });
  const step = await TrainingStepProcessor.create(
    {
      model: model as unknown as IModel<{ readonly [name: string]: never }>,
      optimizer: new AdamWOptimizer(model.parameters()),
      gradients: manager,
      precision,
      engine,
      schedule: constantSchedule({ rate: 6e-3 }),
      batch: { ids: matrix, targets: matrix, weights: { ...matrix, dtype: "float32" } },
      seed: 1,
    },
    initialize(model.parameters(), new Random(seed)),
  );
  const random = new Random(seed);
  const losses: number[] = [];
  let skipped = 0;
  for (let i = 0; i < steps; i++) {
    await step.run(batch(random));
    const { loss, accepted } = (await step.drain())!;
    losses.push(loss);
    if (!accepted) skipped++;
  }
  const scale = (await step.state.scalars["lossScale"]?.read())?.[0];
  await step[Symbol.asyncDispose]();
  return { losses, skipped, scale };
}

describe.skipIf(plugin === undefined)("low precision on XLA", () => {
  let engine: IEngine;
  let cache: string;
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), "pipe-precision-"));
    // A step is compiled once for all seeds.
    engine = await createXlaEngine({ plugin: plugin!, threads: 2, cache });
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(cache, { recursive: true });
  });

  const tail = (losses: readonly number[]): number => losses.slice(-10).reduce((sum, loss) => sum + loss, 0) / 10;

  it.each(["bf16", "fp16"] as const)("%s trains within 3 % of float32, over three seeds", async (precision) => {
    for (const seed of [1, 2, 3]) {
      const exact = await train(engine, seed, "fp32");
      const rounded = await train(engine, seed, precision, 1024);
      expect(exact.losses.at(-1)!).toBeLessThan(exact.losses[0]! / 2);
      expect(rounded.losses).not.toEqual(exact.losses);
      expect(rounded.skipped).toBe(0);
      rounded.losses
        .slice(0, 10)
        .forEach((loss, i) => expect(Math.abs(loss / exact.losses[i]! - 1)).toBeLessThan(0.03));
      expect(Math.abs(tail(rounded.losses) / tail(exact.losses) - 1)).toBeLessThan(0.03);
    }
  });

  it("fp16 finds the size of its loss scale, and skipped steps do not count", async () => {
    const { losses, skipped, scale } = await train(engine, 1, "fp16", 2 ** 24);
    expect(skipped).toBeGreaterThan(3);
    expect(scale).toBeLessThan(2 ** 24);
    expect(losses.every(Number.isFinite)).toBe(true);
    // A refused step leaves the weights, so that the next loss is that of the same model.
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 1.5);
  });
});
