import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ComponentDefinition, PortName } from "@pipe/core";
import { PipeError } from "@pipe/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { canonicalJson } from "./canonical-json.ts";
import { ExperimentConfig } from "./experiment-config.ts";
import { kindsOf } from "./kinds.ts";
import { nearest } from "./nearest.ts";
import { applyOverrides } from "./overrides.ts";
import { defineRecipe, loadRecipe } from "./recipe.ts";

function component(port: PortName, kind: string, fields: z.ZodRawShape = {}): ComponentDefinition {
  return { port, kind, schema: z.strictObject({ kind: z.literal(kind), ...fields }), create: (config) => config };
}

const size = z.number().int().positive();
const definitions: readonly ComponentDefinition[] = [
  component("engine", "onnx", { threads: size.optional() }),
  component("model", "gpt2", { positions: size, width: size, heads: size, layers: size }),
  component("model", "bag"),
  component("source", "text", { path: z.string() }),
  component("source", "jsonl", { path: z.string(), field: z.string().default("text") }),
  component("tokenizer", "char"),
  component("optimizer", "adamw", { weightDecay: z.number().default(0.1) }),
  component("schedule", "cosine", { rate: z.number().default(1e-3) }),
  ...["loss", "perplexity", "bitsPerByte", "accuracy"].map((kind) => component("metric", kind)),
];

const recipe = {
  data: { source: { kind: "text", path: "a.txt" }, tokenizer: { kind: "char" }, sequenceLength: 8 },
  model: { kind: "gpt2", positions: 8, width: 8, heads: 2, layers: 1 },
  training: { steps: 10 },
};

function messageOf(raw: unknown, given = definitions): string {
  try {
    ExperimentConfig.from(given).parse(raw, { origin: "a.yaml" });
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
      data: { ...recipe.data, split: { by: "document", fraction: 0.1 }, shuffle: true },
      model: recipe.model,
      optimization: {
        optimizer: { kind: "adamw", weightDecay: 0.1 },
        schedule: { kind: "cosine", rate: 1e-3 },
        clip: 1,
      },
      training: { steps: 10, batch: 8 },
      evaluation: {
        every: 250,
        metrics: [{ kind: "loss" }, { kind: "perplexity" }, { kind: "bitsPerByte" }, { kind: "accuracy" }],
      },
      checkpoint: { every: 500, keepLast: 3 },
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
    expect(() => ExperimentConfig.from(definitions).parse(null)).toThrow("expected object");
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
    expect(messageOf(null)).toContain("(top): expected object, got null");
  });

  it("says what is missing or has another type, all at once", () => {
    const message = messageOf({ ...recipe, model: { ...recipe.model, layers: "two" }, data: undefined, seed: 1.5 });
    expect(message).toMatch(/^a\.yaml has 3 problems:/);
    expect(message).toContain("seed: expected int, got 1.5");
    expect(message).toContain("data: expected object, got nothing");
    expect(message).toContain('model.layers: expected number, got "two"');
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
      "training: expected a budget: steps, tokens or epochs, got none",
    );
    expect(ExperimentConfig.from(definitions).parse({ ...recipe, model: { kind: "bag" } }).model).toEqual({
      kind: "bag",
    });
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
    expect(config.jsonSchema()).toMatchObject({ type: "object", required: ["data", "model", "training"] });
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

it("nearest finds a word that is near, and none that is not", () => {
  expect(nearest("treads", ["threads", "kind"])).toBe("threads");
  expect(nearest("xyz", ["threads", "kind"])).toBe(undefined);
  expect(nearest("a", [])).toBe(undefined);
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

describe("applyOverrides", () => {
  it("sets fields read as YAML and leaves the original as it was", () => {
    const raw = { training: { steps: 1 }, name: "a" };
    const set = applyOverrides(raw, [
      "training.steps=100",
      "data.source.path=x=y.txt",
      "data.split={by: tail}",
      "name=",
      "seed= 3",
    ]);
    expect(set).toEqual({
      training: { steps: 100 },
      data: { source: { path: "x=y.txt" }, split: { by: "tail" } },
      name: null,
      seed: 3,
    });
    expect(raw).toEqual({ training: { steps: 1 }, name: "a" });
  });

  it.each(["steps", "=3", "a..b=1", "name.first=1", "list.0=1", "a={"])("refuses %s", (text) => {
    expect(() => applyOverrides({ name: "a", list: [1] }, [text])).toThrow(PipeError);
  });
});

describe("loadRecipe", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "recipe-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };

  it("reads YAML, JSON and modules", async () => {
    expect(await loadRecipe(await file("a.yaml", "training: { steps: 3 } # short\n"))).toEqual({
      training: { steps: 3 },
    });
    expect(await loadRecipe(await file("a.json", '{"name": "x"}'))).toEqual({ name: "x" });
    expect(await loadRecipe(await file("a.mjs", 'export default { name: "y" };'))).toEqual({ name: "y" });
    expect(defineRecipe(recipe)).toBe(recipe);
  });

  it("names file, line and column of what it cannot read", async () => {
    await expect(loadRecipe(await file("b.yaml", "a: 1\nb: [1, 2\nc: 3\n"))).rejects.toThrow(/b\.yaml:\d+:\d+/);
    await expect(loadRecipe(await file("c.yaml", "- 1\n"))).rejects.toThrow("must be an object");
    await expect(loadRecipe(await file("d.mjs", "throw new Error('boom')"))).rejects.toThrow(/boom[^]*d\.mjs/);
    await expect(loadRecipe(join(folder, "none.yaml"))).rejects.toMatchObject({ code: "recipe-missing" });
    await expect(loadRecipe(join(folder, "none.mjs"))).rejects.toThrow("recipe");
  });
});
