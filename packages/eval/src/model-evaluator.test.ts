import { type Batch, createComponent, type DeviceTensor, type IEngine, type IMetric, type IModel } from "@pipe/core";
import { createOnnxEngine } from "@pipe/engine-onnx";
import * as tf from "@pipe/graph/tf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bigramModel, byteTokenizer, END, tableOf, VOCABULARY } from "./bigram-model.test.fixture.ts";
import { definitions } from "./definitions.ts";
import { accuracyMetric, bitsPerByteMetric, lossMetric, perplexityMetric } from "./metrics.ts";
import { MetricsCalculator } from "./metrics-calculator.ts";
import { ModelEvaluator } from "./model-evaluator.ts";

let engine: IEngine;
let uniform: { readonly table: DeviceTensor };
beforeAll(async () => {
  engine = await createOnnxEngine({ threads: 1 });
  uniform = await tableOf(engine);
});
afterAll(() => engine[Symbol.asyncDispose]());

const all = [lossMetric, perplexityMetric, bitsPerByteMetric, accuracyMetric];
const specs = {
  ids: { shape: [2, 3], dtype: "int32" },
  targets: { shape: [2, 3], dtype: "int32" },
  weights: { shape: [2, 3], dtype: "float32" },
} as const;
const evaluatorOf = (options: { metrics?: readonly IMetric[]; model?: IModel; byteLengths?: Uint16Array } = {}) => {
  const { metrics = all, model = bigramModel, ...rest } = options;
  return new ModelEvaluator({ engine, model, metrics: new MetricsCalculator(metrics), batch: specs, ...rest });
};

/** Batches of two rows of three tokens. */
async function* batchesOf(
  ...given: { ids: number[]; targets: number[]; weights: number[] }[]
): AsyncGenerator<Batch, void, undefined> {
  for (const { ids, targets, weights } of given) {
    const arrays = {
      ids: Int32Array.from(ids),
      targets: Int32Array.from(targets),
      weights: Float32Array.from(weights),
    };
    yield { arrays, tokens: weights.filter((weight) => weight > 0).length, cursor: null, documents: [] };
  }
}
const ones = { ids: [1, 2, 3, 4, 5, 6], targets: [2, 3, END, 5, 6, END], weights: [1, 1, 1, 1, 1, 1] };
const half = { ...ones, weights: [0, 0, 0, 1, 1, 0] };

describe("ModelEvaluator", () => {
  it("gives ln V, V and log2 V for a model that knows nothing", async () => {
    const evaluator = evaluatorOf({ byteLengths: byteTokenizer().byteLengths });
    const report = await evaluator.evaluate({ step: 5, params: uniform }, batchesOf(ones, half));
    expect(report).toMatchObject({ step: 5, tokens: 8, batches: 2 });
    expect(report.metrics["loss"]).toBeCloseTo(Math.log(VOCABULARY), 5);
    expect(report.metrics["perplexity"]).toBeCloseTo(VOCABULARY, 2);
    // Eight targets, of which two are ends of text without bytes.
    expect(report.metrics["bitsPerByte"]).toBeCloseTo((8 * Math.log2(VOCABULARY)) / 6, 4);
    expect(report.metrics["accuracy"]).toBe(1);
    await evaluator[Symbol.asyncDispose]();
  });

  it("counts only targets with weight, each by its weight", async () => {
    const evaluator = evaluatorOf();
    const params = await tableOf(engine, [
      [4, 5, 3],
      [5, 7, 1e4],
    ]);
    const right = Math.log(Math.exp(3) + VOCABULARY - 1) - 3;
    const one = await evaluator.evaluate({ step: 0, params }, batchesOf({ ...ones, weights: [0, 0, 0, 1, 0, 0] }));
    expect(one.metrics["loss"]).toBeCloseTo(right, 5);
    expect([one.tokens, one.metrics["accuracy"]]).toEqual([1, 1]);
    const two = await evaluator.evaluate({ step: 0, params }, batchesOf({ ...ones, weights: [0, 0, 0, 3, 1, 0] }));
    expect(two.metrics["loss"]).toBeCloseTo((3 * right + 1e4) / 4, 1);
    expect([two.tokens, two.metrics["accuracy"]]).toEqual([4, 0.75]);
    expect(two.metrics["bitsPerByte"]).toBeNaN();
    await evaluator[Symbol.asyncDispose]();
  });

  it("reads no more batches than its limit", async () => {
    const evaluator = evaluatorOf({ metrics: [lossMetric] });
    const report = await evaluator.evaluate({ step: 0, params: uniform }, batchesOf(ones, half, ones), { batches: 2 });
    expect(report).toMatchObject({ batches: 2, tokens: 8 });
    await evaluator[Symbol.asyncDispose]();
  });

  it.each([
    ["no batches", []],
    ["no target that counts", [{ ...ones, weights: [0, 0, 0, 0, 0, 0] }]],
  ])("refuses %s", async (_, batches) => {
    const evaluator = evaluatorOf();
    const refused = evaluator.evaluate({ step: 0, params: uniform }, batchesOf(...batches));
    await expect(refused).rejects.toMatchObject({ code: "evaluation-empty" });
    await evaluator[Symbol.asyncDispose]();
  });

  it("stops when it is aborted, with the reason", async () => {
    const evaluator = evaluatorOf();
    const signal = AbortSignal.abort(new Error("no time"));
    const stopped = evaluator.evaluate({ step: 0, params: uniform }, batchesOf(ones), { signal });
    await expect(stopped).rejects.toThrow("no time");
    await evaluator[Symbol.asyncDispose]();
  });

  it("compiles once and leaves nothing behind", async () => {
    const before = engine.memory();
    const unused = evaluatorOf();
    await unused[Symbol.asyncDispose]();
    const evaluator = evaluatorOf();
    for (let i = 0; i < 3; i++) await evaluator.evaluate({ step: i, params: uniform }, batchesOf(ones));
    expect(engine.memory()).toMatchObject({ tensors: before.tensors, executables: before.executables + 1 });
    await evaluator[Symbol.asyncDispose]();
    expect(engine.memory().executables).toBe(before.executables);
  });

  it("says what accuracy needs of a model", async () => {
    const lossOf = bigramModel.loss.bind(bigramModel);
    const silent: IModel = {
      ...bigramModel,
      loss: (...given) => {
        const { lossSum, weight } = lossOf(...given);
        return { lossSum, weight };
      },
    };
    const evaluator = evaluatorOf({ model: silent });
    const refused = evaluator.evaluate({ step: 0, params: uniform }, batchesOf(ones));
    await expect(refused).rejects.toMatchObject({ code: "metric-impossible" });
    await evaluator[Symbol.asyncDispose]();
    const other: IModel = {
      ...silent,
      loss: (...given) => ({ ...silent.loss(...given), sums: { hits: tf.scalar(1) } }),
    };
    await expect(evaluatorOf({ model: other }).evaluate({ step: 0, params: uniform }, batchesOf(ones))).rejects.toThrow(
      "got: hits",
    );
  });

  it("takes a metric of one's own, with sums of its own", async () => {
    const entropy: IMetric = {
      name: "targetSum",
      better: "higher",
      sums: (_, { targets }) => ({ targetTotal: tf.sum(tf.cast(targets, "float32")) }),
      value: ({ targetTotal, weight }) => targetTotal! / weight!,
    };
    const evaluator = evaluatorOf({ metrics: [entropy, lossMetric] });
    const { metrics } = await evaluator.evaluate({ step: 0, params: uniform }, batchesOf(ones));
    expect(metrics["targetSum"]).toBeCloseTo((2 + 3 + END + 5 + 6 + END) / 6, 3);
    await evaluator[Symbol.asyncDispose]();
  });
});

describe("MetricsCalculator", () => {
  it("refuses two metrics of one name", () => {
    expect(() => new MetricsCalculator([lossMetric, accuracyMetric, lossMetric])).toThrow(/same name\.\n {2}got: loss/);
  });

  it("names a metric that gives no number", () => {
    const wordy = { ...lossMetric, name: "wordy", value: () => "low" as unknown as number };
    expect(() => new MetricsCalculator([lossMetric, wordy]).values({ lossSum: 2, weight: 1 })).toThrow(
      expect.objectContaining({ code: "metric-invalid", message: expect.stringContaining("wordy") as string }) as Error,
    );
  });
});

describe("definitions", () => {
  it("make the metrics that a configuration names", async () => {
    const made = await Promise.all(
      definitions.map(async ({ kind }) => createComponent(definitions, "metric", { kind })),
    );
    expect(made).toEqual(all);
    expect(definitions.map(({ port, kind }) => [port, kind])).toEqual(all.map(({ name }) => ["metric", name]));
    expect(() => definitions[0].schema.parse({ kind: "loss", rate: 1 })).toThrow("rate");
  });
});
