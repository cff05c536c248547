import { hostTensor, PipeError, Random, sizeOf } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import { forwardContext, trace } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import { definitions } from "./definitions.ts";
import { modelFromConfig } from "./from-config.ts";
import { GPT2Model } from "./gpt2-model.ts";
import type { GPT2Options } from "./gpt2-config.ts";
import { ModelEmbedder } from "./model-embedder.ts";
import { Whitening } from "./whitening.ts";
import { ModelFactory } from "./model-factory.ts";
import { multiHeadAttention } from "./multi-head-attention.ts";
import { geluMLP } from "./gelu-mlp.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const small: GPT2Options = { vocabulary: 11, positions: 8, width: 8, layers: 2, heads: 2 };

function weightsOf(model: GPT2Model): { [name: string]: tf.Tensor } {
  const random = new Random(1);
  return Object.fromEntries(
    model.parameters().map(({ name, shape }) => {
      const stream = random.split(name);
      return [
        name,
        tf.tensor(
          Float32Array.from({ length: sizeOf(shape) }, () => 0.3 * stream.normal()),
          [...shape],
        ),
      ];
    }),
  );
}

function batchOf(ids: number[][]): { ids: tf.Tensor; targets: tf.Tensor; weights: tf.Tensor } {
  const targets = ids.map((row) => [...row.slice(1), 0]);
  return {
    ids: tf.tensor2d(ids, undefined, "int32"),
    targets: tf.tensor2d(targets, undefined, "int32"),
    weights: tf.ones([ids.length, ids[0]!.length]),
  };
}

const evaluating = () => forwardContext({ training: false, seed: tf.tensor1d([1, 2], "int32") });

describe("GPT2Model", () => {
  it("has the parameters of GPT-2: 124 million for the published size", () => {
    const gpt2 = new GPT2Model({ vocabulary: 50257, positions: 1024, width: 768, layers: 12, heads: 12 });
    const count = gpt2.parameters().reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(count).toBe(124_439_808);
    const names = gpt2.parameters().map(({ external }) => external!.name);
    expect(names).toContain("transformer.h.11.mlp.c_proj.weight");
    const projection = gpt2.parameters().find(({ name }) => name === "h.3.attn.c_proj.weight")!;
    expect(projection).toMatchObject({
      decay: true,
      block: "h.3",
      init: { kind: "normal", deviation: 0.02 / Math.sqrt(24) },
    });
    expect(gpt2.parameters().filter(({ decay, shape }) => decay !== shape.length >= 2)).toEqual([]);
  });

  it("never looks ahead", () => {
    const model = new GPT2Model(small);
    const params = weightsOf(model);
    const logits = (ids: number[]): tf.Tensor => model.forward(params, batchOf([ids]), evaluating()).logits;
    const [a, b] = [logits([1, 2, 3, 4, 5]), logits([1, 2, 3, 9, 10])];
    expect(tf.slice(a, [0, 0, 0], [1, 3, 11]).dataSync()).toEqual(tf.slice(b, [0, 0, 0], [1, 3, 11]).dataSync());
    expect(tf.slice(a, [0, 3, 0], [1, 1, 11]).dataSync()).not.toEqual(tf.slice(b, [0, 3, 0], [1, 1, 11]).dataSync());
  });

  it("gives logits of chosen positions, and hidden states with the last one normalised", () => {
    const model = new GPT2Model(small);
    const params = weightsOf(model);
    const batch = batchOf([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    const all = model.forward(params, batch, evaluating());
    const at = tf.tensor1d([3, 1], "int32");
    const chosen = model.forward(params, batch, { ...evaluating(), logits: { at } }).logits;
    const expected = tf.stack([
      tf.slice(all.logits, [0, 3, 0], [1, 1, 11]),
      tf.slice(all.logits, [1, 1, 0], [1, 1, 11]),
    ]);
    chosen.dataSync().forEach((x, i) => expect(x).toBeCloseTo(expected.dataSync()[i]!, 5));
    expect(all.hidden.map(({ shape }) => shape)).toEqual([
      [2, 4, 8],
      [2, 4, 8],
      [2, 4, 8],
    ]);
  });

  it("sums the loss of its own logits over weighted targets", () => {
    const model = new GPT2Model(small);
    const params = weightsOf(model);
    const batch = { ...batchOf([[1, 2, 3, 4]]), weights: tf.tensor2d([[1, 0, 2, 0]]) };
    const { lossSum, weight, sums } = model.loss(params, batch, evaluating());
    const logits = model.forward(params, batch, evaluating()).logits.dataSync();
    let expected = 0;
    [2, 3, 4, 0].forEach((target, t) => {
      const row = (logits as Float32Array).slice(t * 11, t * 11 + 11);
      const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
      expected += [1, 0, 2, 0][t]! * (Math.log(total) - row[target]!);
    });
    expect(lossSum.dataSync()[0]).toBeCloseTo(expected, 4);
    expect(weight.dataSync()[0]).toBe(3);
    expect(sums!["correct"]!.shape).toEqual([]);
  });

  it("takes positions from the batch", () => {
    const model = new GPT2Model(small);
    const params = weightsOf(model);
    const batch = batchOf([[1, 2, 3]]);
    const shifted = { ...batch, positions: tf.tensor2d([[4, 5, 6]], undefined, "int32") };
    const [plain, moved] = [batch, shifted].map((b) => model.forward(params, b, evaluating()).logits.dataSync());
    expect(plain).not.toEqual(moved);
    const same = { ...batch, positions: tf.tensor2d([[0, 1, 2]], undefined, "int32") };
    expect(model.forward(params, same, evaluating()).logits.dataSync()).toEqual(plain);
  });

  it("drops out while training only, and is pure", () => {
    const model = new GPT2Model({ ...small, dropout: 0.5 });
    const params = weightsOf(model);
    const loss = (training: boolean, step: number): number => {
      const context = forwardContext({ training, seed: tf.tensor1d([1, step], "int32") });
      return model.loss(params, batchOf([[1, 2, 3, 4, 5, 6, 7, 8]]), context).lossSum.dataSync()[0]!;
    };
    expect(loss(true, 1)).toBe(loss(true, 1));
    expect(loss(true, 1)).not.toBe(loss(true, 2));
    expect(loss(false, 1)).toBe(loss(false, 2));
  });

  it("computes the same with rows that pad the vocabulary, which get no logits and no gradient", () => {
    const [plain, padded] = [new GPT2Model(small), new GPT2Model({ ...small, vocabularyMultiple: 8 })];
    const [spec] = padded.parameters();
    expect([spec!.shape, spec!.external!.shape]).toEqual([
      [16, 8],
      [11, 8],
    ]);
    expect(padded.config()).toEqual(plain.config());
    const params = weightsOf(plain);
    const wide = {
      ...params,
      "wte.weight": tf.pad(params["wte.weight"]!, [
        [0, 5],
        [0, 0],
      ]),
    };
    const batch = batchOf([[1, 2, 3, 4]]);
    const at = tf.tensor1d([2], "int32");
    for (const logits of ["all", { at }] as const) {
      const of = (model: GPT2Model, each: typeof params): tf.Tensor =>
        model.forward(each, batch, { ...evaluating(), logits }).logits;
      expect(of(padded, wide).shape).toEqual(of(plain, params).shape);
      expect(of(padded, wide).dataSync()).toEqual(of(plain, params).dataSync());
    }
    const inputs = { ids: batch.ids, lengths: tf.tensor1d([4], "int32") };
    const [a, b] = [
      plain.decoder!.prefill(params, inputs, evaluating()),
      padded.decoder!.prefill(wide, inputs, evaluating()),
    ];
    expect(b.logits.dataSync()).toEqual(a.logits.dataSync());
    const next = { ids: tf.tensor1d([5], "int32"), positions: tf.tensor1d([3], "int32") };
    const [c, d] = [
      plain.decoder!.decode(params, { ...next, cache: a.cache }, evaluating()),
      padded.decoder!.decode(wide, { ...next, cache: b.cache }, evaluating()),
    ];
    expect(d.logits.dataSync()).toEqual(c.logits.dataSync());
    const gradient = tf.grad(
      (table: tf.Tensor) => padded.loss({ ...wide, "wte.weight": table }, batch, evaluating()).lossSum,
    )(wide["wte.weight"]);
    const rows = gradient.arraySync() as number[][];
    expect(
      rows
        .slice(11)
        .flat()
        .every((x) => x === 0),
    ).toBe(true);
    expect(rows[7]!.every((x) => x !== 0)).toBe(true);
  });

  it.each([
    [{ heads: 3 }, "heads of a model must divide its width"],
    [{ layers: 0 }, "layers must be a positive integer"],
    [{ dropout: 1 }, "Dropout must be in"],
  ])("refuses %j", (wrong, message) => {
    expect(() => new GPT2Model({ ...small, ...wrong })).toThrow(message);
  });

  it("refuses batches that it cannot read", () => {
    const model = new GPT2Model(small);
    const params = weightsOf(model);
    const long = batchOf([[1, 2, 3, 4, 5, 6, 7, 8, 9]]);
    expect(() => model.forward(params, long, evaluating())).toThrow(/at most 8 tokens\n {2}got: 9/);
    const cut = { ...batchOf([[1, 2]]), segments: tf.zeros([1, 2], "int32") };
    expect(() => model.forward(params, cut, evaluating())).toThrow("without segments");
  });
});

describe("config.json", () => {
  it("comes back as the same model", () => {
    const model = new GPT2Model({ ...small, dropout: 0.25, hidden: 20 });
    expect(modelFromConfig(model.config()).options).toEqual(model.options);
    expect(new GPT2Model(small).config()).toMatchObject({ n_inner: null, activation_function: "gelu_new" });
  });

  it("fills in Hugging Face's defaults", () => {
    expect(modelFromConfig({ model_type: "gpt2" }).options).toMatchObject({
      vocabulary: 50257,
      width: 768,
      dropout: 0.1,
    });
  });

  it.each([
    [null],
    [{ model_type: "llama" }],
    [{ model_type: "gpt2", activation_function: "relu" }],
    [{ model_type: "gpt2", tie_word_embeddings: false }],
    [{ model_type: "gpt2", scale_attn_by_inverse_layer_idx: true }],
    [{ model_type: "gpt2", n_embd: "wide" }],
  ])("refuses %j", (config) => {
    expect(() => modelFromConfig(config)).toThrow("describes a model that GPT2Model cannot be");
  });

  it("names parts that are not GPT-2's", () => {
    const parts = { attention: { ...multiHeadAttention, kind: "mine" }, mlp: { ...geluMLP, kind: "other" } };
    expect(new GPT2Model(small, parts).config()).toMatchObject({
      model_type: "pipe-gpt2",
      pipe_attention: { kind: "mine" },
      pipe_mlp: { kind: "other" },
    });
  });
});

describe("ModelFactory", () => {
  const { kind: _, ...sizes } = { kind: "gpt2", ...small };
  it("makes a model from its configuration, the vocabulary from the tokenizer", async () => {
    const factory = new ModelFactory(definitions);
    const given = await factory.create({ kind: "gpt2", ...sizes, hidden: 12 } as { kind: string });
    expect(given.parameters()[0]!.shape).toEqual([11, 8]);
    const { vocabulary: _, ...rest } = sizes;
    const services = { has: () => true, get: async <T>(): Promise<T> => ({ vocabulary: 5 }) as T };
    const asked = await factory.create({ kind: "gpt2", ...rest } as { kind: string }, services);
    expect(asked.parameters()[0]!.shape).toEqual([5, 8]);
    await expect(
      factory.create({ kind: "gpt2", ...rest, vocabulary: 4 } as { kind: string }, services),
    ).rejects.toThrow(/lacks tokens of the tokenizer[^]*at least 5/);
  });
});

describe("ModelEmbedder", () => {
  const tokenizer = {
    id: "letters",
    vocabulary: 11,
    byteLengths: new Uint16Array(11).fill(1),
    encode: (text: string) => {
      if (text.includes("?")) throw new PipeError("token-unknown", "No question marks.");
      if (text.includes("!")) throw new Error("broken");
      return Uint32Array.from(text, (letter) => letter.charCodeAt(0) % 11);
    },
    decode: () => "",
    decoder: () => ({ push: () => "", end: () => "" }),
    file: () => "",
  };

  it("gives unit vectors that depend on the text, not on its neighbours, and zeros for no tokens", async () => {
    const engine = await createOnnxEngine({ threads: 1 });
    const model = new GPT2Model(small);
    const weights = weightsOf(model);
    const host = Object.fromEntries(
      Object.entries(weights).map(([name, tensor]) => [
        name,
        hostTensor(tensor.shape, tensor.dataSync() as Float32Array),
      ]),
    );
    const params = await engine.put(Object.fromEntries(Object.values(host).map((value, i) => [`${i}`, value])));
    const named = Object.fromEntries(Object.keys(host).map((name, i) => [name, (params as never)[i]!]));
    const embedder = new ModelEmbedder({
      engine,
      model,
      tokenizer,
      params: named,
      width: 8,
      window: 4,
      batch: 2,
      step: 7,
    });
    expect(embedder.space).toEqual({ id: "gpt2:letters", dimensions: 8, step: 7 });
    const texts = ["abcd", "a much longer text than one window", "", "abcd", "dcba"];
    const vectors = await embedder.embed(texts);
    const [alone] = await embedder.embed(["abcd"]);
    for (const i of [0, 1, 3, 4]) expect(Math.hypot(...vectors[i]!)).toBeCloseTo(1, 5);
    expect([...vectors[2]!]).toEqual(Array(8).fill(0));
    vectors[0]!.forEach((x, i) => expect(x).toBeCloseTo(alone![i]!, 5));
    expect(vectors[3]).toEqual(vectors[0]);
    expect(vectors[4]).not.toEqual(vectors[0]);
    await expect(embedder.embed(["a"], AbortSignal.abort())).rejects.toThrow("abort");
    const [unknown] = await embedder.embed(["a?b?cd"]);
    expect(unknown).toEqual(alone);
    await expect(embedder.embed(["!"])).rejects.toThrow("broken");
    const later = embedder.at(named, 8);
    expect(later.space.step).toBe(8);
    expect((await later.embed(["abcd"]))[0]).toEqual(alone);

    const sample = await embedder.embed(Array.from({ length: 40 }, (_, n) => (n * n * 7919).toString(26)));
    const whitening = await Whitening.of(sample);
    const white = embedder.through(whitening);
    expect(white.space).toEqual({ id: `gpt2:letters:white-${whitening.id}`, dimensions: 8, step: 7 });
    const [first, none] = await white.embed(["abcd", ""]);
    expect([...none!]).toEqual(Array(8).fill(0));
    const expected = whitening.apply(alone!);
    first!.forEach((x, i) => expect(x).toBeCloseTo(expected[i]! / Math.hypot(...expected), 4));
    expect(white.at(named, 9).space).toEqual({ id: "gpt2:letters", dimensions: 8, step: 9 });

    await embedder[Symbol.asyncDispose]();
    const unused = new ModelEmbedder({ engine, model, tokenizer, params: named, width: 8, window: 4 });
    expect(unused.space).toEqual({ id: "gpt2:letters", dimensions: 8 });
    await unused[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });
});

it("traces 12 layers into composites that name the model's lines", () => {
  const model = new GPT2Model({ ...small, layers: 12, dropout: 0.1 });
  const specs = Object.fromEntries(model.parameters().map(({ name, shape, dtype }) => [name, { shape, dtype }]));
  const ids = { shape: [2, 8], dtype: "int32" } as const;
  const graph = trace(
    ({ params, ids }: { params: { [name: string]: tf.Tensor }; ids: tf.Tensor }) => ({
      logits: model.forward(
        params,
        { ids, targets: ids, weights: ids },
        forwardContext({ training: true, seed: tf.zeros([2], "int32") }),
      ).logits,
    }),
    { params: specs, ids },
  );
  const count = (op: string): number => graph.nodes.filter((node) => node.op === op).length;
  expect([count("causalAttention"), count("layerNorm"), count("gelu"), count("dropout")]).toEqual([12, 25, 12, 25]);
  expect(graph.nodes.find(({ op }) => op === "gelu")!.source).toMatch(/gelu-mlp\.ts:\d+/);
});
