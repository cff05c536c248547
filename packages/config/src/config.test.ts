import { resolve } from "node:path";
import type { ComponentDefinition, PortName } from "@pipe/core";
import { PipeError } from "@pipe/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import { ExperimentConfig } from "./experiment-config.ts";
import { fieldsOf } from "./fields.ts";
import { kindsOf } from "./kinds.ts";

function component(port: PortName, kind: string, fields: z.ZodRawShape = {}): ComponentDefinition {
  return { port, kind, schema: z.strictObject({ kind: z.literal(kind), ...fields }), create: (config) => config };
}

const size = z.number().int().positive();
const definitions: readonly ComponentDefinition[] = [
  component("engine", "onnx", { threads: size.optional() }),
  component("model", "gpt2", { positions: size, width: size, heads: size, layers: size }),
  component("model", "bag"),
  component("source", "text", { path: z.string().meta({ format: "path" }) }),
  component("source", "jsonl", { path: z.string(), field: z.string().default("text") }),
  component("tokenizer", "char"),
  component("optimizer", "adamw", { weightDecay: z.number().default(0.1) }),
  component("schedule", "cosine", { rate: z.number().default(1e-3), minimum: z.number().optional() }),
  ...["loss", "perplexity", "bitsPerByte", "accuracy"].map((kind) => component("metric", kind)),
];

const recipe = {
  data: { source: { kind: "text", path: "a.txt" }, tokenizer: { kind: "char" }, sequenceLength: 8 },
  model: { kind: "gpt2", positions: 8, width: 8, heads: 2, layers: 1 },
  training: { steps: 10 },
};

function messageOf(raw: unknown, given = definitions): string {
  try {
    ExperimentConfig.from(given).parse(raw);
  } catch (error) {
    if (PipeError.is(error, "config-invalid")) return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("ExperimentConfig", () => {
  it("fills in every default", () => {
    const experiment = ExperimentConfig.from(definitions).parse(recipe);
    expect(experiment).toEqual({
      name: "run",
      seed: 1,
      engine: { kind: "onnx" },
      data: {
        ...recipe.data,
        source: { kind: "text", path: resolve("a.txt") },
        split: { by: "document", fraction: 0.1 },
        shuffle: true,
      },
      model: recipe.model,
      optimization: {
        optimizer: { kind: "adamw", weightDecay: 0.1 },
        schedule: { kind: "cosine", rate: 1e-3 },
        clip: 1,
      },
      training: {
        steps: 10,
        batch: 8,
        accumulate: 1,
        recompute: false,
        onNonFinite: "skip",
        maxSkipped: 10,
        stages: [],
      },
      evaluation: {
        every: 250,
        metrics: [{ kind: "loss" }, { kind: "perplexity" }, { kind: "bitsPerByte" }, { kind: "accuracy" }],
      },
      checkpoint: { every: 500, keepLast: 3, pinned: [] },
      monitoring: { progressEvery: 50 },
      indexing: {},
      plugins: [],
    });
    expect(ExperimentConfig.from(definitions).parse(experiment)).toEqual(experiment);
  });

  it("takes options without a kind for those of the default", () => {
    const raw = { ...recipe, engine: { threads: 2 }, optimization: { schedule: { rate: 0.5 } } };
    const { engine, optimization } = ExperimentConfig.from(definitions).parse(raw);
    expect([engine, optimization.schedule]).toEqual([
      { kind: "onnx", threads: 2 },
      { kind: "cosine", rate: 0.5 },
    ]);
    expect(kindsOf(raw)).toContainEqual({ port: "schedule", kind: "cosine" });
    expect(messageOf({ ...recipe, model: { width: 8 } })).toContain(
      "model.kind: expected one of gpt2, bag, got nothing",
    );
    expect(() => ExperimentConfig.from(definitions).parse(null)).toThrow("expected an object");
  });

  it("names unknown keys with the nearest known one, at any depth", () => {
    expect(messageOf({ ...recipe, trainig: {} })).toContain('trainig: expected "training", got an unknown key');
    expect(messageOf({ ...recipe, training: { step: 3 } })).toContain(
      'training.step: expected "steps", got an unknown key',
    );
    const model = { ...recipe.model, head: 2 };
    expect(messageOf({ ...recipe, model })).toContain('model.head: expected "heads", got an unknown key');
    const optimization = { optimizer: { kind: "adamw", decay: 1 } };
    expect(messageOf({ ...recipe, optimization })).toContain(
      "optimization.optimizer.decay: expected one of kind, weightDecay",
    );
    const evaluation = { metrics: [{ kind: "loss", zzzzzz: 1 }] };
    expect(messageOf({ ...recipe, evaluation })).toContain("evaluation.metrics.0.zzzzzz: expected one of kind");
  });

  it("names the known kinds of a port", () => {
    const source = { kind: "jsonll", path: "a" };
    expect(messageOf({ ...recipe, data: { ...recipe.data, source } })).toContain(
      'data.source.kind: expected one of text, jsonl (did you mean "jsonl"?), got "jsonll"',
    );
    expect(messageOf({ ...recipe, model: { kind: 3 } })).toContain("model.kind: expected one of gpt2, bag, got 3");
    expect(messageOf({ ...recipe, engine: { kind: "cuda" } })).toContain("engine.kind");
  });

  it("finds its way through lists and past values that have no fields", () => {
    const evaluation = { metrics: [{ kind: "loss" }, { kind: "acuracy" }, { kind: "loss", wieght: 1 }] };
    const message = messageOf({ ...recipe, evaluation });
    expect(message).toContain("evaluation.metrics.1.kind: expected one of loss, perplexity, bitsPerByte, accuracy");
    expect(message).toContain('did you mean "accuracy"?');
    expect(message).toContain("evaluation.metrics.2.wieght: expected one of kind, got an unknown key");
    expect(messageOf({ ...recipe, model: null, "": 1 })).toContain("model: expected");
    expect(messageOf({ ...recipe, model: { heads: 2 } })).toContain(
      "model.kind: expected one of gpt2, bag, got nothing",
    );
    expect(messageOf(null)).toContain(
      "has one problem:\n  (top): expected an object with data, model, training, got nothing (null)",
    );
  });

  it("says what is missing or has another type, all at once", () => {
    const message = messageOf({ ...recipe, model: { ...recipe.model, layers: "two" }, data: undefined, seed: 1.5 });
    expect(message).toMatch(/^The configuration has 3 problems:/);
    expect(message).toContain("seed: expected a whole number, got 1.5");
    expect(message).toContain("data: expected an object with source, tokenizer, sequenceLength, got nothing");
    expect(message).toContain('model.layers: expected a whole number from 1 on, got "two"');
    expect(messageOf({ ...recipe, name: "a/b" })).toContain("name: expected letters, digits");
  });

  it("checks what must hold between fields", () => {
    expect(messageOf({ ...recipe, model: { ...recipe.model, heads: 3 } })).toContain(
      "model.heads: expected a divisor of model.width (8), got 3",
    );
    expect(messageOf({ ...recipe, data: { ...recipe.data, sequenceLength: 9 } })).toContain(
      "data.sequenceLength: expected at most model.positions (8), got 9",
    );
    expect(messageOf({ ...recipe, training: {} })).toContain(
      "training: expected a budget: one of steps, tokens, epochs, hours, got none",
    );
    expect(ExperimentConfig.from(definitions).parse({ ...recipe, model: { kind: "bag" } }).model).toEqual({
      kind: "bag",
    });
  });

  it("lists what is wrong between fields beside what is wrong in them, and nothing twice", () => {
    const message = messageOf({
      ...recipe,
      model: { ...recipe.model, heads: 3, layers: "two" },
      training: { steps: 0 },
    });
    expect(message).toMatch(
      /3 problems[^]*model\.layers[^]*training\.steps: expected a whole number from 1 on[^]*model\.heads/,
    );
    expect(messageOf({ ...recipe, model: { ...recipe.model, width: Infinity } })).toContain("has one problem");
  });

  it("refuses sizes that are not of this world", () => {
    const model = (sizes: object): string => messageOf({ ...recipe, model: { ...recipe.model, ...sizes } });
    expect(model({ width: 1e6, layers: 2 })).toContain("model: expected at most 1e+12 parameters, got about 2.4e+13");
    expect(model({ layers: 20_000 })).toContain("model.layers: expected at most 10000, got 20000");
    expect(messageOf({ ...recipe, training: { steps: 1, batch: 2 ** 40 } })).toContain(
      "training.batch: expected at most 268435455 rows of 8 tokens, got 1099511627776",
    );
    expect(messageOf({ ...recipe, training: { steps: 1e300 } })).toContain("training.steps: expected a whole number");
  });

  it("compares the rates of a schedule, and the metrics with each other", () => {
    const optimization = { schedule: { kind: "cosine", rate: 0.1, minimum: 0.2 } };
    expect(messageOf({ ...recipe, optimization })).toContain("minimum: expected at most the rate (0.1), got 0.2");
    const evaluation = { metrics: [{ kind: "loss" }, { kind: "loss" }] };
    expect(messageOf({ ...recipe, evaluation })).toContain(
      "evaluation.metrics.1: expected a metric that is not listed",
    );
  });

  it("gives rules the fields that they ask for, where they have the type", () => {
    const fields = fieldsOf({ a: { b: 1, c: "x", d: [1], e: Infinity } });
    expect([fields.number("a.b"), fields.text("a.c"), fields.list("a.d"), fields.has("a.e")]).toEqual([
      1,
      "x",
      [1],
      true,
    ]);
    expect([fields.number("a.c"), fields.text("a.b"), fields.list("a"), fields.has("a.b.c")]).toEqual([
      undefined,
      undefined,
      undefined,
      false,
    ]);
    expect(fields.number("a.e")).toBe(undefined);
  });

  it("says so where a port has no component at all", () => {
    expect(
      messageOf(
        recipe,
        definitions.filter(({ port }) => port !== "tokenizer"),
      ),
    ).toContain("no tokenizer is known");
  });

  it("hashes alike whatever the order of keys, and has a JSON Schema", () => {
    const config = ExperimentConfig.from(definitions);
    const { data, model, training } = recipe;
    expect(ExperimentConfig.hash(config.parse({ training, model, data }))).toBe(
      ExperimentConfig.hash(config.parse(recipe)),
    );
    expect(ExperimentConfig.hash(config.parse({ ...recipe, seed: 2 }))).not.toBe(
      ExperimentConfig.hash(config.parse(recipe)),
    );
    const schema = config.jsonSchema();
    expect(schema).toMatchObject({ type: "object", required: ["data", "model", "training"] });
    // A kind that is meant anyway need not be written.
    expect(schema.properties!["engine"]!.oneOf![0]!.required).toEqual([]);
    // Stored weights bring what the model, its tokenizer and a row are.
    expect(schema.properties!["model"]!.oneOf![1]).toMatchObject({
      required: [],
      allOf: [{ anyOf: [{ required: ["kind"] }, { required: ["from"] }] }],
    });
    expect(schema.properties!["data"]!.required).toEqual(["source"]);
    expect(schema).toMatchObject({
      anyOf: [
        { properties: { data: { required: ["tokenizer", "sequenceLength"] } } },
        { properties: { model: { required: ["from"] } } },
      ],
    });
    expect(config.parse({ ...recipe, model: { ...model, from: "old" } }, { from: "/runs" }).model["from"]).toBe(
      "/runs/old",
    );
    expect(schema.properties!["optimization"]!.properties!["clip"]).toMatchObject({ default: 1 });
  });
});

it("canonicalJson is the same for equal values and parses back", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(canonicalJson({ b: 1, a: undefined, c: [{ z: 1, y: 2 }] })).toBe('{"b":1,"c":[{"y":2,"z":1}]}');
});

it("kindsOf finds what a recipe names, and the defaults of what it leaves out", () => {
  const named = kindsOf({ ...recipe, evaluation: { metrics: [{ kind: "loss" }, { kind: 3 }, null] } });
  expect(named.map(({ port, kind }) => `${port} ${kind}`)).toEqual([
    "engine onnx",
    "source text",
    "tokenizer char",
    "model gpt2",
    "optimizer adamw",
    "schedule cosine",
    "metric loss",
  ]);
  expect(kindsOf(null).map(({ port }) => port)).toEqual([
    "engine",
    "optimizer",
    "schedule",
    "metric",
    "metric",
    "metric",
    "metric",
  ]);
});
