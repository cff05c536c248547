import { type Params, Random, sizeOf } from "@pipe/core";
import { forwardContext } from "@pipe/graph";
import * as tf from "@pipe/graph/tf";
import { beforeAll, describe, expect, it } from "vitest";
import { type AttentionConfig, createAttention, createMLP, type MLPConfig } from "./built-in-strategies.ts";
import { modelFromConfig } from "./from-config.ts";
import { GPT2Model } from "./gpt2-model.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const sizes = { vocabulary: 13, positions: 12, width: 16, layers: 2, heads: 4 };
const attentions: readonly AttentionConfig[] = [
  { kind: "multi-head" },
  { kind: "grouped-query", groups: 2 },
  { kind: "grouped-query", groups: 1 },
  { kind: "grouped-query", groups: 4 },
  { kind: "sliding-window", window: 3 },
  { kind: "sliding-window", window: 1 },
  { kind: "sliding-window", window: 50 },
];
const mlps: readonly MLPConfig[] = [{ kind: "gelu" }, { kind: "swiglu" }, { kind: "relu-squared" }];

const modelOf = (attention: AttentionConfig, mlp: MLPConfig = { kind: "gelu" }, layers = 2): GPT2Model =>
  new GPT2Model({ ...sizes, layers }, { attention: createAttention(attention), mlp: createMLP(mlp) });

function weightsOf(model: GPT2Model): Params {
  const random = new Random(7);
  return Object.fromEntries(
    model.parameters().map(({ name, shape }) => {
      const stream = random.split(name);
      const values = Float32Array.from({ length: sizeOf(shape) }, () => 0.4 * stream.normal());
      return [name, tf.tensor(values, [...shape])];
    }),
  );
}

const context = (training = false) => forwardContext({ training, seed: tf.tensor1d([1, 2], "int32") });
const ids = [3, 1, 4, 1, 5, 9, 2, 6];

function batchOf(row: readonly number[]) {
  const tensor = tf.tensor2d([[...row]], undefined, "int32");
  return { ids: tensor, targets: tensor, weights: tf.ones([1, row.length]) };
}

/** Logits of each position, by reading all at once. */
function logitsOf(model: GPT2Model, params: Params, row: readonly number[]): number[][] {
  return (model.forward(params, batchOf(row), context()).logits.arraySync() as number[][][])[0]!;
}

describe.each(attentions)("attention %j", (attention) => {
  const model = modelOf(attention);
  const params = weightsOf(model);

  it("never looks ahead", () => {
    const whole = logitsOf(model, params, ids);
    const changed = logitsOf(model, params, [...ids.slice(0, 5), 0, 0, 0]);
    expect(changed.slice(0, 5)).toEqual(whole.slice(0, 5));
    expect(changed[5]).not.toEqual(whole[5]);
  });

  it("gives token by token, with its cache, what it gives at once", () => {
    const expected = logitsOf(model, params, ids);
    const decoder = model.decoder!;
    const prompt = 3;
    const made = decoder.prefill(
      params,
      { ids: tf.tensor2d([ids.slice(0, prompt)], undefined, "int32"), lengths: tf.tensor1d([prompt], "int32") },
      context(),
    );
    const close = (got: tf.Tensor, at: number): void =>
      [...got.dataSync()].forEach((x, i) => expect(x).toBeCloseTo(expected[at]![i]!, 4));
    close(made.logits, prompt - 1);
    const specs = decoder.cache(1, 12);
    let cache: Params = Object.fromEntries(
      Object.entries(made.cache).map(([name, tensor]) => {
        const room = specs[name]!.shape[2]! - tensor.shape[2]!;
        return [
          name,
          tf.pad(tensor, [
            [0, 0],
            [0, 0],
            [0, room],
            [0, 0],
          ]),
        ];
      }),
    );
    for (let at = prompt; at < ids.length; at++) {
      const inputs = { ids: tf.tensor1d([ids[at]!], "int32"), positions: tf.tensor1d([at], "int32"), cache };
      const next = decoder.decode(params, inputs, context());
      close(next.logits, at);
      cache = next.cache;
      for (const [name, tensor] of Object.entries(cache))
        expect([name, tensor.shape]).toEqual([name, specs[name]!.shape]);
    }
  });

  it("stands in config.json and comes back from it", () => {
    const again = modelFromConfig(model.config());
    expect(again.config()).toEqual(model.config());
    expect(again.parameters()).toEqual(model.parameters());
    expect(logitsOf(again, params, ids)).toEqual(logitsOf(model, params, ids));
  });

  it("has a gradient for each parameter", () => {
    const names = model.parameters().map(({ name }) => name);
    const lossOf = (...values: tf.Tensor[]): tf.Scalar => {
      const current = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      return model.loss(current, batchOf(ids), context(true)).lossSum as tf.Scalar;
    };
    const grads = tf.grads(lossOf)(names.map((name) => params[name]!));
    grads.forEach((grad, i) => {
      // A position that sees itself only asks nothing of its queries.
      const isBlind = attention.kind === "sliding-window" && attention.window === 1;
      if (!isBlind) expect([names[i], tf.max(tf.abs(grad)).dataSync()[0]! > 0]).toEqual([names[i], true]);
      expect(grad.shape).toEqual(params[names[i]!]!.shape);
    });
  });
});

describe("a sliding window", () => {
  it("hides what is further back, layer by layer", () => {
    const model = modelOf({ kind: "sliding-window", window: 3 }, { kind: "gelu" }, 1);
    const params = weightsOf(model);
    const [whole, changed] = [ids, [0, ...ids.slice(1)]].map((row) => logitsOf(model, params, row));
    expect(changed![2]).not.toEqual(whole![2]);
    expect(changed!.slice(3)).toEqual(whole!.slice(3));
  });

  it("as wide as the text is multi-head attention", () => {
    const params = weightsOf(modelOf({ kind: "multi-head" }));
    const wide = modelOf({ kind: "sliding-window", window: 8 });
    expect(logitsOf(wide, params, ids)).toEqual(logitsOf(modelOf({ kind: "multi-head" }), params, ids));
  });
});

describe("grouped queries", () => {
  it("keep a smaller cache", () => {
    const shape = (attention: AttentionConfig): readonly number[] =>
      modelOf(attention).decoder!.cache(2, 8)["h.0.keys"]!.shape;
    expect(shape({ kind: "multi-head" })).toEqual([2, 4, 8, 4]);
    expect(shape({ kind: "grouped-query", groups: 1 })).toEqual([2, 1, 8, 4]);
  });
});

describe.each(mlps)("MLP %j", (mlp) => {
  it("transforms each position by itself, and comes back from config.json", () => {
    const model = modelOf({ kind: "multi-head" }, mlp);
    const params = weightsOf(model);
    const strategy = createMLP(mlp);
    const shape = { width: 16, hidden: 64, layers: 2, heads: 4, dropout: 0 };
    const x = tf.randomNormal([1, 4, 16], 0, 1, "float32", 3);
    const forward = (input: tf.Tensor): tf.Tensor => strategy.forward(input, params, "h.0.mlp", shape, context());
    const rows = tf.split(x, 4, 1).map((row) => forward(row).dataSync());
    const together = forward(x).arraySync() as number[][][];
    rows.forEach((row, i) => [...row].forEach((value, c) => expect(value).toBeCloseTo(together[0]![i]![c]!, 5)));
    expect(modelFromConfig(model.config()).parameters()).toEqual(model.parameters());
  });
});

describe("known numbers", () => {
  const one = { width: 1, hidden: 1, layers: 1, heads: 1, dropout: 0 };
  const at = (kind: MLPConfig["kind"], x: number, weights: Params): number =>
    createMLP({ kind })
      .forward(tf.tensor3d([x], [1, 1, 1]), weights, "m", one, context())
      .dataSync()[0]!;
  const layer = (name: string, weight: number): Params => ({
    [`m.${name}.weight`]: tf.tensor2d([[weight]]),
    [`m.${name}.bias`]: tf.tensor1d([0]),
  });

  it("of SwiGLU and of the squared ReLU", () => {
    const swiglu = { ...layer("c_gate", 2), ...layer("c_fc", 3), ...layer("c_proj", 1) };
    expect(at("swiglu", 1, swiglu)).toBeCloseTo((2 / (1 + Math.exp(-2))) * 3, 5);
    const squared = { ...layer("c_fc", 3), ...layer("c_proj", 2) };
    expect([at("relu-squared", 1, squared), at("relu-squared", -1, squared)]).toEqual([18, 0]);
  });
});

describe("what cannot be", () => {
  it.each([
    () => modelOf({ kind: "grouped-query", groups: 3 }).parameters(),
    () => modelOf({ kind: "grouped-query", groups: 0 }).parameters(),
    () => createAttention({ kind: "sliding-window", window: 0 }),
    () => createAttention({ kind: "linear" } as never),
    () => createMLP({ kind: "maxout" } as never),
  ])("is refused", (make) => {
    expect(make).toThrow(expect.objectContaining({ code: "model-invalid" }));
  });
});
