import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IEngine, type IModel, type Json, type Params } from "@pipe/core";
import { createByteTokenizer } from "@pipe/data";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { TextGenerator } from "@pipe/eval";
import { GPT2Model, logitsProgram, modelFromConfig } from "@pipe/models";
import { AdamWOptimizer, constantSchedule, GradientProcessor } from "@pipe/optim";
import { ModelLoader, openSafetensors } from "@pipe/persist";
import { TrainingStepProcessor } from "@pipe/train";
import { run as pipe } from "@pipe/trainer";
import { InferenceSession, Tensor } from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// Made by bench/interop/make_fixture.py: a tiny GPT-2 as transformers saves it in three layouts, and its logits.
const fixtures = join(import.meta.dirname, "../fixtures/interop");
const TOLERANCE = 1e-4;

let engine: IEngine;
let folder: string;
let ids: Int32Array;
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 2 });
  folder = await mkdtemp(join(tmpdir(), "pipe-interop-"));
  ids = (await stored("ids")) as Int32Array;
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function stored(name: string): Promise<Float32Array | Int32Array> {
  const file = await openSafetensors(join(fixtures, "logits.safetensors"));
  try {
    return (await file.read(name)).data as Float32Array;
  } finally {
    await file[Symbol.asyncDispose]();
  }
}

/** The model of a layout, from its own config.json. */
async function open(layout: string) {
  const path = join(fixtures, layout);
  const model = modelFromConfig(JSON.parse(await readFile(join(path, "config.json"), "utf8")) as Json);
  return { model, weights: await new ModelLoader().load(path, model.parameters()) };
}

type Weights = Awaited<ReturnType<typeof open>>["weights"];

async function logitsOf(model: GPT2Model, weights: Weights, tokens: Int32Array): Promise<Float32Array> {
  const program = logitsProgram(model);
  const params = await engine.put(weights);
  const specs = Object.fromEntries(Object.entries(weights).map(([name, { spec }]) => [name, spec]));
  const executable = await engine.compile(
    ({ params: given, input }: { params: Params; input: Params[string] }) =>
      program({ weights: given, inputs: { input_ids: input } }),
    { params: specs, input: { shape: [2, 24], dtype: "int32" } } as never,
  );
  const { logits } = await executable.run({ params, input: tokens } as never);
  return (await logits.read()) as Float32Array;
}

/** Largest difference of two arrays of one length. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}

/** Runs a command of the app in the test's folder; returns its last line of JSON. */
async function command(...args: readonly string[]): Promise<{ readonly [key: string]: unknown }> {
  let out = "";
  let err = "";
  const code = await pipe([...args, "--json"], {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
    cwd: folder,
    now: () => 0,
    onInterrupt: () => ({ [Symbol.dispose]: () => undefined }),
    exit: () => undefined,
  });
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out.trim().split("\n").at(-1)!) as { [key: string]: unknown };
}

describe("a folder saved by transformers", () => {
  it.each([
    ["whole", "whole"],
    ["sharded", "whole"],
    ["bare-half", "bare-half"],
  ])("gives the logits of transformers (%s)", async (layout, expected) => {
    const { model, weights } = await open(layout);
    expect(difference(await logitsOf(model, weights, ids), await stored(expected))).toBeLessThan(TOLERANCE);
  });

  it("gives them with a padded vocabulary too, whose rows are zero", async () => {
    const { model } = await open("whole");
    const padded = new GPT2Model({ ...model.options, vocabularyMultiple: 64 });
    const weights = await new ModelLoader().load(join(fixtures, "whole"), padded.parameters());
    expect(weights["wte.weight"]!.spec.shape).toEqual([320, 16]);
    expect(difference(await logitsOf(padded, weights, ids), await stored("whole"))).toBeLessThan(TOLERANCE);
  });

  it("goes on as transformers does, token by token", async () => {
    const greedy = Array.from(await stored("greedy"));
    const { model, weights } = await open("whole");
    const params = await engine.put(weights);
    const tokenizer = {
      ...createByteTokenizer(),
      endOfText: -1,
      encode: () => Uint32Array.from(greedy.slice(0, 4)),
      decoder: () => ({ push: (id: number) => `${id} `, end: () => "" }),
    };
    const generator = new TextGenerator({ engine, model, tokenizer, positions: 24 });
    const text = await generator.generate(params, { prompt: "", tokens: 12, temperature: 0 });
    await generator[Symbol.asyncDispose]();
    expect(text.trim().split(" ").map(Number)).toEqual(greedy.slice(4));
  });

  it("trains on, with rows of padding that stay zero", async () => {
    const { model: whole } = await open("whole");
    const model = new GPT2Model({ ...whole.options, dropout: 0, vocabularyMultiple: 64 });
    const weights = await new ModelLoader().load(join(fixtures, "whole"), model.parameters());
    const matrix = { shape: [2, 23], dtype: "int32" } as const;
    const step = await TrainingStepProcessor.create(
      {
        engine,
        model: model as unknown as IModel<{ readonly [name: string]: never }>,
        optimizer: new AdamWOptimizer(model.parameters()),
        gradients: new GradientProcessor({ clip: 1 }),
        schedule: constantSchedule({ rate: 1e-2 }),
        batch: { ids: matrix, targets: matrix, weights: { shape: [2, 23], dtype: "float32" } },
        seed: 1,
      },
      weights,
    );
    const rows = [0, 1].map((row) => ids.slice(row * 24, (row + 1) * 24));
    const feed = {
      ids: Int32Array.from(rows.flatMap((row) => [...row.slice(0, -1)])),
      targets: Int32Array.from(rows.flatMap((row) => [...row.slice(1)])),
      weights: new Float32Array(46).fill(1),
    };
    const losses: number[] = [];
    for (let i = 0; i < 30; i++) {
      await step.run(feed);
      losses.push((await step.drain())!.loss);
    }
    // The first loss is that of the logits of transformers.
    const logits = (await stored("whole")) as Float32Array;
    const expected = rows.flatMap((row, r) =>
      Array.from({ length: 23 }, (_, t) => {
        const scores = logits.subarray((r * 24 + t) * 257, (r * 24 + t + 1) * 257);
        return Math.log(scores.reduce((sum, x) => sum + Math.exp(x), 0)) - scores[row[t + 1]!]!;
      }),
    );
    const mean = expected.reduce((sum, x) => sum + x, 0) / expected.length;
    expect(Math.abs(losses[0]! - mean)).toBeLessThan(TOLERANCE);
    expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
    const table = (await step.state.params["wte.weight"]!.read()) as Float32Array;
    expect(table.subarray(257 * 16).every((x) => x === 0)).toBe(true);
    await step[Symbol.asyncDispose]();
  });
});

describe("import and export", () => {
  it("make a run of a folder, and of the run a folder that holds the same", async () => {
    await cp(join(fixtures, "sharded"), join(folder, "tiny"), { recursive: true });
    await writeFile(join(folder, "tiny/tokenizer.json"), createByteTokenizer().file());
    expect(await command("import", "hf", "tiny")).toMatchObject({ run: "tiny", parameters: 11_088 });
    expect(await command("generate", "--run", "tiny", "--prompt", "abc", "--tokens", "3")).toMatchObject({ step: 0 });
    await command("export", "hf", "--run", "tiny", "--out", "exported");
    const config = JSON.parse(await readFile(join(folder, "exported/config.json"), "utf8")) as Json;
    expect(config).toMatchObject({ model_type: "gpt2", vocab_size: 257, eos_token_id: 256 });
    const model = modelFromConfig(config);
    const weights = await new ModelLoader().load(join(folder, "exported"), model.parameters());
    expect(weights).toEqual((await open("whole")).weights);
    // What transformers writes again is read again.
    expect(await command("import", "hf", "exported", "--name", "again")).toMatchObject({ run: "again" });
  });

  it("give ONNX Runtime, in Node and as WebAssembly, a file with the logits of transformers", async () => {
    const written = await command("export", "onnx", "--run", "tiny", "--out", "onnx/tiny.onnx", "--batch", "2");
    expect(written).toMatchObject({ files: ["tiny.onnx"], batch: 2, length: 24 });
    const expected = await stored("whole");
    const data = BigInt64Array.from(ids, BigInt);
    const session = await InferenceSession.create(join(folder, "onnx/tiny.onnx"));
    expect([session.inputNames, session.outputNames]).toEqual([["input_ids"], ["logits"]]);
    const { logits } = await session.run({ input_ids: new Tensor("int64", data, [2, 24]) });
    await session.release();
    expect(logits!.dims).toEqual([2, 24, 257]);
    expect(difference(logits!.data as Float32Array, expected)).toBeLessThan(TOLERANCE);

    web.env.wasm.numThreads = 1;
    const browser = await web.InferenceSession.create(await readFile(join(folder, "onnx/tiny.onnx")), {
      executionProviders: ["wasm"],
    });
    const out = await browser.run({ input_ids: new web.Tensor("int64", data, [2, 24]) });
    await browser.release();
    expect(difference(out["logits"]!.data as Float32Array, expected)).toBeLessThan(TOLERANCE);
  });

  it("pad shorter texts on the right without changing what stands before", async () => {
    const { model, weights } = await open("whole");
    const shorter = ids.map((id, i) => (i % 24 < 10 ? id : 0));
    const [all, cut] = [await logitsOf(model, weights, ids), await logitsOf(model, weights, shorter)];
    const begin = (logits: Float32Array): Float32Array => logits.subarray(0, 10 * 257);
    expect(difference(begin(cut), begin(all))).toBeLessThan(1e-5);
  });
});
