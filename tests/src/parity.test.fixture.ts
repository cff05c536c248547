import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HostTensor, IEngine, IModel, Params, TensorSpec } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { modelFromConfig } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { ModelLoader, openSafetensors } from "@pipe/persist";
import { TrainingStepProcessor } from "@pipe/train";
import { afterAll, beforeAll, expect, it } from "vitest";

// Made with PyTorch and transformers from fixed seeds: a tiny GPT-2, its logits, every gradient, ten AdamW steps.
const folder = join(import.meta.dirname, "../fixtures/parity");
const reference = JSON.parse(readFileSync(join(folder, "gpt2.json"), "utf8")) as {
  readonly config: { readonly [name: string]: number };
  readonly ids: readonly (readonly (readonly number[])[])[];
  readonly loss0: number;
  readonly masked_loss0: number;
  readonly greedy: { readonly prompt: readonly number[]; readonly tokens: readonly number[] };
  readonly optimizer: { readonly lr: number; readonly betas: readonly [number, number]; readonly weight_decay: number };
  readonly runs: {
    readonly [run: string]: {
      readonly clip: number | null;
      readonly losses: readonly number[];
      readonly grad_norms: readonly number[];
    };
  };
};
const [rows, length, width] = [4, 16, 32];
const model = modelFromConfig({ ...reference.config, model_type: "gpt2" });
const parameters = model.parameters();
const names = parameters.map(({ name }) => name);

type Weights = { readonly [name: string]: HostTensor };
let engine: IEngine;
let initial: Weights;

const weights = (file: string): Promise<Weights> => new ModelLoader().load(join(folder, file), parameters);

function batch(step: number, from = 0) {
  const ids = reference.ids[step]!;
  return {
    ids: Int32Array.from(ids.flatMap((row) => row.slice(0, -1))),
    targets: Int32Array.from(ids.flatMap((row) => row.slice(1))),
    weights: Float32Array.from({ length: rows * length }, (_, i) => (i % length < from ? 0 : 1)),
  };
}

const matrix: TensorSpec = { shape: [rows, length], dtype: "int32" };
const batchSpecs = { ids: matrix, targets: matrix, weights: { shape: [rows, length], dtype: "float32" } } as const;
const specs = Object.fromEntries(parameters.map(({ name, shape, dtype }) => [name, { shape, dtype }]));

/** Largest difference of two arrays, the key third of `c_attn.bias` apart: its true gradient is 0. */
function differences(
  name: string,
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
): { rest: number; keys: number } {
  const result = { rest: 0, keys: 0 };
  for (let i = 0; i < expected.length; i++) {
    const isKey = name.endsWith("c_attn.bias") && i >= width && i < 2 * width;
    const difference = Math.abs(got[i]! - expected[i]!);
    if (isKey) result.keys = Math.max(result.keys, difference);
    else result.rest = Math.max(result.rest, difference);
  }
  return result;
}

/** Parity of an engine with PyTorch and transformers: logits, gradients, updates, generation. */
export function parityTests(make: () => Promise<IEngine>): void {
  beforeAll(async () => {
    engine = await make();
    initial = await weights("gpt2-init.safetensors");
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  it("logits, losses and every gradient", async () => {
    type Inputs = { params: Params; batch: { ids: tf.Tensor; targets: tf.Tensor; weights: tf.Tensor } };
    const executable = await engine.compile(
      ({ params, batch: given }: Inputs) => {
        const context = () => forwardContext({ training: true, seed: tf.zeros([2], "int32") });
        const lossOf = (...values: tf.Tensor[]): tf.Scalar => {
          const current = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
          const { lossSum, weight } = model.loss(current, given, context());
          return tf.div(lossSum, weight);
        };
        const { value, grads } = tf.valueAndGrads(lossOf)(names.map((name) => params[name]!));
        return {
          loss: value,
          logits: model.forward(params, given, context()).logits,
          grads: Object.fromEntries(names.map((name, i) => [name, grads[i]!])),
        };
      },
      { params: specs, batch: batchSpecs } as never,
    );
    const params = Object.fromEntries(names.map((name) => [name, initial[name]!.data]));
    const out = await executable.run({ params, batch: batch(0) } as never);
    expect(Math.abs((await out.loss.read())[0]! - reference.loss0)).toBeLessThan(1e-5);
    const stored = await openSafetensors(join(folder, "gpt2-logits.safetensors"));
    const logits = (await stored.read("logits")).data;
    await stored[Symbol.asyncDispose]();
    expect(differences("logits", await out.logits.read(), logits).rest).toBeLessThan(1e-5);
    const gradients = await weights("gpt2-grads.safetensors");
    for (const name of names) {
      const expected = gradients[name]!.data as Float32Array;
      const largest = expected.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      const { rest, keys } = differences(name, await out.grads[name]!.read(), expected);
      expect([name, rest <= 1e-4 * largest, keys <= 1e-7]).toEqual([name, true, true]);
    }
    const masked = await executable.run({ params, batch: batch(0, 5) } as never);
    expect(Math.abs((await masked.loss.read())[0]! - reference.masked_loss0)).toBeLessThan(1e-5);
  });

  it.each(["clip", "noclip"])("ten AdamW steps, %s", async (run) => {
    const { clip, losses, grad_norms: norms } = reference.runs[run]!;
    const { lr, betas, weight_decay: weightDecay } = reference.optimizer;
    const step = await TrainingStepProcessor.create(
      {
        engine,
        model: model as unknown as IModel<{ readonly [name: string]: never }>,
        optimizer: new AdamWOptimizer(parameters, { beta1: betas[0], beta2: betas[1], weightDecay }),
        gradients: new GradientProcessor({ clip }),
        schedule: constantSchedule({ rate: lr }),
        batch: batchSpecs,
        seed: 0,
      },
      initial,
    );
    for (let i = 0; i < 10; i++) {
      await step.run(batch(i));
      const figures = (await step.drain())!;
      expect(Math.abs(figures.loss - losses[i]!)).toBeLessThan(1e-5);
      expect(Math.abs(figures.norm / norms[i]! - 1)).toBeLessThan(1e-4);
    }
    const final = await weights(`gpt2-final-${run}.safetensors`);
    for (const name of names) {
      const { rest, keys } = differences(name, await step.state.params[name]!.read(), final[name]!.data);
      expect([name, rest <= 1e-4, keys <= 2e-3]).toEqual([name, true, true]);
    }
    await step[Symbol.asyncDispose]();
  });

  it("a greedy continuation", async () => {
    const { prompt, tokens } = reference.greedy;
    const params = await engine.put(Object.fromEntries(names.map((name, i) => [`${i}`, initial[name]!])));
    const named = Object.fromEntries(names.map((name, i) => [name, (params as never)[i]!]));
    const { TextGenerator } = await import("@pipe/eval");
    const tokenizer = {
      id: "numbers",
      vocabulary: 101,
      byteLengths: new Uint16Array(101),
      encode: (text: string) => Uint32Array.from(text.split(" "), Number),
      decode: (ids: ArrayLike<number>) => Array.from(ids).join(" "),
      decoder: () => ({ push: (id: number) => ` ${id}`, end: () => "" }),
      file: () => "",
    };
    const generator = new TextGenerator({ engine, model, tokenizer, positions: 16 });
    const text = await generator.generate(named, { prompt: prompt.join(" "), tokens: 8, temperature: 0 });
    expect(`${prompt.join(" ")}${text}`).toBe(tokens.join(" "));
    await generator[Symbol.asyncDispose]();
  });
}
