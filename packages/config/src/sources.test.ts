import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ComponentDefinition, PortName } from "@pipe/core";
import { PipeError } from "@pipe/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { fromEnvironment, fromFlags } from "./assignments.ts";
import { ExperimentConfig } from "./experiment-config.ts";
import { explain } from "./explain.ts";
import { loadRecipe } from "./load-recipe.ts";
import { formatOrigin, originOf, type RawConfig, rawConfig } from "./origin.ts";
import { overlay } from "./overlay.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "recipe-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return name;
}
const load = async (name: string, text: string): Promise<RawConfig> =>
  loadRecipe(await file(name, text), { from: folder });

const path = z.string().meta({ format: "path" });
const component = (port: PortName, kind: string, fields: z.ZodRawShape = {}): ComponentDefinition => ({
  port,
  kind,
  schema: z.strictObject({ kind: z.literal(kind), ...fields }),
  create: (config) => config,
});
const config = ExperimentConfig.from([
  component("engine", "onnx"),
  component("model", "bag", { width: z.number().optional() }),
  component("source", "text", { path, also: z.array(path).optional(), per: z.record(z.string(), path).optional() }),
  component("tokenizer", "char"),
  component("optimizer", "adamw"),
  component("schedule", "cosine"),
  ...["loss", "perplexity", "bitsPerByte", "accuracy"].map((kind) => component("metric", kind)),
]);

const RECIPE = `# a comment
data:
  source: { kind: text, path: a.txt }
  tokenizer: { kind: char }
  sequenceLength: 8
model:
  kind: bag
training: { steps: 3 }
`;

describe("loadRecipe", () => {
  it("reads YAML and JSON with the place of each key and value", async () => {
    const { raw, origins } = await load("a.yaml", RECIPE);
    expect(raw).toMatchObject({ training: { steps: 3 } });
    expect(origins.get("data.source.path")).toEqual({
      source: "recipe",
      name: "a.yaml",
      folder,
      key: { line: 3, column: 25 },
      value: { line: 3, column: 31 },
    });
    const json = await load("a.json", '{\n\t"$schema": "s.json",\n\t"plugins": ["x", "y"]\n}');
    expect(json.raw).toEqual({ plugins: ["x", "y"] });
    expect(formatOrigin(json.origins.get("plugins.1")!)).toBe("a.json:3:19");
  });

  it("reads modules, which have no places", async () => {
    const { raw, origins } = await load("a.mjs", 'export default { name: "y" };');
    expect(raw).toEqual({ name: "y" });
    expect(formatOrigin(originOf(origins, "name")!)).toBe("a.mjs");
  });

  it("finds the place of what an alias stands for, and passes over keys that are no words", async () => {
    const { raw, origins } = await load("alias.yaml", "a: &x { b: 1 }\nc: *x\n? [1]\n: 2\n? 5\n: 6\n");
    expect(raw).toMatchObject({ c: { b: 1 }, "5": 6 });
    expect(formatOrigin(originOf(origins, "c.b")!)).toBe("alias.yaml:2:4");
  });

  it("lists every error of the text with file, line and column", async () => {
    await expect(load("b.yaml", "a: 1\na: 2\nb: [1, 2\nc: 3\n")).rejects.toThrow(
      /b\.yaml is not valid YAML:\n {2}b\.yaml:2:1: .*\n {2}b\.yaml:4:1: /,
    );
    await expect(load("c.yaml", "- 1\n")).rejects.toThrow(/must be an object[^]*got: \[1\]\n {2}where: c\.yaml/);
    await expect(load("empty.yaml", "")).rejects.toThrow("got: nothing");
    const lists = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"];
    for (const [now, before] of ["ba", "cb", "dc"].map((pair) => pair.split("")))
      lists.push(`${now}: &${now} [${Array(10).fill(`*${before}`).join(", ")}]`);
    await expect(load("bomb.yaml", lists.join("\n"))).rejects.toThrow("bomb.yaml cannot be read");
  });

  it("says where a module is wrong, and what is not there", async () => {
    await expect(load("d.mjs", "\nthrow new Error('boom')")).rejects.toThrow(/boom[^]*where: d\.mjs:2:7/);
    await expect(load("e.mjs", "throw 'text'")).rejects.toThrow(/got: text\n {2}where: e\.mjs$/);
    await expect(load("f.mjs", "export const a = 1;")).rejects.toThrow("got: no default export");
    // What Node says of a module in a package of the older kind.
    const older = load("g.mjs", `throw new SyntaxError("Unexpected token 'export'")`);
    await expect(older).rejects.toThrow('fix: write "type": "module"');
    await expect(loadRecipe(join(folder, "none.yaml"))).rejects.toMatchObject({ code: "recipe-missing" });
    await expect(loadRecipe(join(folder, "none.mjs"))).rejects.toMatchObject({ code: "recipe-missing" });
  });
});

describe("what is put over a recipe", () => {
  const at = (raw: object): RawConfig => rawConfig(raw as RawConfig["raw"], { source: "recipe", name: "a" });

  it("flags set fields read as YAML and leave the original as it was", () => {
    const raw = { training: { steps: 1 }, name: "a" };
    const set = ["training.steps=100", "data.source.path=x=y.txt", "data.split={by: tail}", "name=", "seed= 3"];
    expect(overlay(at(raw), fromFlags(set)).raw).toEqual({
      training: { steps: 100 },
      data: { source: { path: "x=y.txt" }, split: { by: "tail" } },
      name: null,
      seed: 3,
    });
    expect(raw).toEqual({ training: { steps: 1 }, name: "a" });
  });

  it.each(["steps", "=3", "a..b=1", "name.first=1", "list.0=1", "a={"])("refuses --set %s", (text) => {
    expect(() => overlay(at({ name: "a", list: [1] }), fromFlags([text]))).toThrow(PipeError);
  });

  it("variables go down at two underscores, and join words at one", () => {
    const env = {
      PIPE_TRAINING__STEPS: "100",
      PIPE_DATA__SEQUENCE_LENGTH: "64",
      PIPE_EVALUATION__METRICS: "[{ kind: loss }]",
      PIPE_SEED: "7",
      // Of other tools, or not set.
      PIPE_DEV_PNPM: "x",
      PIPE_NAME: "",
      HOME: "/",
    };
    expect(overlay(at({ name: "a" }), fromEnvironment(env)).raw).toEqual({
      name: "a",
      training: { steps: 100 },
      data: { sequenceLength: 64 },
      evaluation: { metrics: [{ kind: "loss" }] },
      seed: 7,
    });
    expect(() => fromEnvironment({ PIPE_TRAINING_BATCH: "3" })).toThrow("PIPE_TRAINING__BATCH, with two underscores");
    expect(() => fromEnvironment({ PIPE___STEPS: "3" })).toThrow("PIPE_SECTION__FIELD");
    expect(() => fromEnvironment({ PIPE_SEED: "{" })).toThrow("where: PIPE_SEED");
  });

  it("a later source wins, and takes its place", async () => {
    const recipe = await load("a.yaml", RECIPE);
    const assignments = [
      ...fromEnvironment({ PIPE_TRAINING__STEPS: "4", PIPE_MODEL: "{ kind: bag, width: 2 }" }),
      ...fromFlags(["training.steps=5"]),
    ];
    const { raw, origins } = overlay(recipe, assignments);
    expect(raw["training"]).toEqual({ steps: 5 });
    const place = (path: string): string => formatOrigin(originOf(origins, path)!);
    expect(["training.steps", "model.kind", "model.width", "data.source.kind", "name"].map(place)).toEqual([
      "--set training.steps=5",
      "PIPE_MODEL",
      "PIPE_MODEL",
      "a.yaml:3:19",
      "a.yaml:2:1",
    ]);
  });
});

describe("places in errors", () => {
  async function problems(text: string, assignments = fromFlags([])): Promise<string[]> {
    const { raw, origins } = overlay(await load("p.yaml", text), assignments);
    try {
      config.parse(raw, { origins, from: folder });
    } catch (error) {
      if (PipeError.is(error, "config-invalid")) return error.message.split("\n  ").slice(1, -1);
      throw error;
    }
    throw new Error("nothing was thrown");
  }

  it("name the key of what is unknown, the value of what is wrong, the parent of what is missing, in order", async () => {
    const text = RECIPE.replace("sequenceLength: 8", "sequnceLength: 8").replace("steps: 3", "steps: many, batch: 0");
    expect(await problems(`${text}seed: 007x\n`)).toEqual([
      "p.yaml:2:1: data.sequenceLength: expected a whole number from 1 on, got nothing",
      'p.yaml:5:3: data.sequnceLength: expected "sequenceLength", got an unknown key',
      'p.yaml:8:20: training.steps: expected a whole number from 1 on, got "many"',
      "p.yaml:8:33: training.batch: expected a whole number from 1 on, got 0",
      'p.yaml:9:7: seed: expected a whole number, got "007x"',
    ]);
  });

  it("name the variable and the flag", async () => {
    const assignments = [...fromEnvironment({ PIPE_NAME: "7" }), ...fromFlags(["trainin.steps=1", "data.split.by=x"])];
    expect(await problems(RECIPE, assignments)).toEqual([
      "PIPE_NAME: name: expected text, got 7 (a number; quotes make it text)",
      '--set data.split.by=x: data.split.by: expected one of document, tail, file, got "x"',
      '--set trainin.steps=1: trainin: expected "training", got an unknown key',
    ]);
  });
});

describe("paths", () => {
  it("of a recipe are seen from its folder, others from the working folder", async () => {
    const text = RECIPE.replace("path: a.txt", 'path: a.txt, also: [b.txt, /c, "https://x/y"], per: { d: e.txt }');
    const recipe = await load("a.yaml", text);
    const flags = overlay(recipe, fromFlags(["data.folder=shards", "indexing.folder=notes"]));
    const { data, indexing } = config.parse(flags.raw, { origins: flags.origins, from: "/elsewhere" });
    expect(data.source).toEqual({
      kind: "text",
      path: join(folder, "a.txt"),
      also: [join(folder, "b.txt"), "/c", "https://x/y"],
      per: { d: join(folder, "e.txt") },
    });
    expect([data.folder, indexing.folder]).toEqual(["/elsewhere/shards", "/elsewhere/notes"]);
    expect(config.parse(recipe.raw).data.source["path"]).toBe(resolve("a.txt"));
  });
});

describe("explain", () => {
  it("lists every field with where its value came from", async () => {
    const layered = overlay(await load("a.yaml", RECIPE), fromFlags(["seed=2", "evaluation.metrics=[{ kind: loss }]"]));
    const fields = explain(config.parse(layered.raw, layered), layered);
    const found = new Map(fields.map(({ path, value, from }) => [path, [value, "source" in from && from.source]]));
    expect(found.get("seed")).toEqual([2, "flag"]);
    expect(found.get("training.steps")).toEqual([3, "recipe"]);
    expect(found.get("training.batch")).toEqual([8, "default"]);
    expect(found.get("engine.kind")).toEqual(["onnx", "default"]);
    expect(found.get("evaluation.metrics.0.kind")).toEqual(["loss", "flag"]);
    expect(found.get("plugins")).toEqual([[], "default"]);
    expect(found.get("indexing")).toEqual([{}, "default"]);
  });
});
