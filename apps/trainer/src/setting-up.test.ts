import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { events, openExperiment } from "./experiment.test.fixture.ts";

const { folder, pipe } = await openExperiment();

describe("pipe init", () => {
  it("writes a recipe that trains on the text it was told of, and overwrites nothing", async () => {
    const { code, out } = await pipe(["init", "My Notes", "--text", "notes"]);
    expect([code, out]).toEqual([0, expect.stringMatching(/ {2}recipe\.yaml\n[^]* {2}pipe train recipe\.yaml\n$/)]);
    const recipe = await readFile(join(folder, "My Notes/recipe.yaml"), "utf8");
    expect(recipe).toContain("name: my-notes\n");
    expect(recipe).toContain('source: { kind: markdown, path: "../notes" }');
    const schema = JSON.parse(await readFile(join(folder, "My Notes/recipe.schema.json"), "utf8")) as object;
    expect(schema).toHaveProperty("properties.training.properties.steps");
    const short = ["training={steps: 2, batch: 1}", "data.sequenceLength=8", "data.split={by: tail, fraction: 0.3}"];
    const flags = [...short, "engine={kind: onnx}"].flatMap((field) => ["--set", field]);
    expect((await pipe(["train", "My Notes/recipe.yaml", ...flags])).code).toBe(0);

    await writeFile(join(folder, "My Notes/recipe.yaml"), "mine");
    const again = await pipe(["init", "My Notes", "--text", "notes"]);
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/there already[^]*recipe\.yaml/)]);
    expect(await readFile(join(folder, "My Notes/recipe.yaml"), "utf8")).toBe("mine");
  });

  it("says where to put text when it is told of none, and takes a name that fits", async () => {
    const { out } = await pipe(["init", "…"]);
    expect(out).toContain("put text, as .txt files, into the folder text\n");
    const recipe = await readFile(join(folder, "…/recipe.yaml"), "utf8");
    expect(recipe).toContain("name: experiment\n");
    expect(recipe).toContain('source: { kind: text, path: "text" }');
  });

  it.each([
    ["text.txt", "text"],
    ["poems/*.jsonl", "jsonl"],
    ["runs.unknown*", "text"],
  ])("reads %s as %s", async (text, kind) => {
    const name = `of-${kind}-${text.length}`;
    expect((await pipe(["init", name, "--text", text, "--json"])).code).toBe(0);
    expect(await readFile(join(folder, name, "recipe.yaml"), "utf8")).toContain(`source: { kind: ${kind}, path: "../`);
  });

  it.each([
    ["a record's longest text", '{"id": "1", "body": "north wind", "at": 3}', ', field: "body" }'],
    ["a text by its name", '{"summary": "longer than it", "text": "wind"}', '.jsonl" }'],
    ["what is no record", '"north"', '.jsonl" }'],
    ["what is no JSON", "north", '.jsonl" }'],
    ["nothing", "", '.jsonl" }'],
  ])("finds %s in JSON lines", async (what, line, source) => {
    const name = `json-${what.length}`;
    await writeFile(join(folder, `${name}.jsonl`), line === "" ? "" : `${line}\n`);
    expect((await pipe(["init", name, "--text", `${name}.jsonl`])).code).toBe(0);
    expect(await readFile(join(folder, name, "recipe.yaml"), "utf8")).toContain(source);
  });

  it("looks for the field in a folder and behind a pattern", async () => {
    await mkdir(join(folder, "records"));
    await writeFile(join(folder, "records/a.jsonl"), '{"poem": "north wind"}\n');
    for (const text of ["records", "records/*.jsonl"]) {
      const name = `of-${text.length}`;
      expect((await pipe(["init", name, "--text", text])).code).toBe(0);
      expect(await readFile(join(folder, name, "recipe.yaml"), "utf8")).toContain('field: "poem"');
    }
  });

  it("writes a plug-in's package whose metric a run can measure with", async () => {
    const { code, out } = await pipe(["init", "plugin", "bits", "--json"]);
    expect([code, JSON.parse(out)]).toMatchObject([0, { folder: join(folder, "bits") }]);
    expect((await readdir(join(folder, "bits"))).sort()).toEqual([
      "README.md",
      "package.json",
      "recipe.yaml",
      "src",
      "tsconfig.json",
    ]);
    const manifest = JSON.parse(await readFile(join(folder, "bits/package.json"), "utf8")) as object;
    expect(manifest).toMatchObject({ name: "bits", peerDependencies: { "@pipe/core": expect.stringMatching(/^\^/) } });
    const source = await readFile(join(folder, "bits/src/index.ts"), "utf8");
    expect(source).toContain('name: "bits"');
  });

  it.each([
    [["init", "plugin"]],
    [["init", "plugin", "x", "--text", "text.txt"]],
    [["init", "a", "b"]],
    [["init", "a", "--text", "nowhere.txt"]],
  ])("refuses %j as bad usage", async (args) => expect((await pipe(args)).code).toBe(2));
});

describe("pipe data", () => {
  it("writes token shards once, and says what they hold and how their text begins", async () => {
    const built = await pipe(["data", "build", "tiny.yaml"]);
    expect([built.code, built.out]).toEqual([0, expect.stringMatching(/^written: [^]*\ntrain +1 +[\d,]+ /)]);
    expect(built.err).toMatch(/^text: 4\.\dk tokens to train on, \d+ to measure with\n$/);
    const found = events((await pipe(["data", "build", "tiny.yaml", "--json"])).out);
    expect(found).toMatchObject([{ event: "dataset-built", reused: true }]);
    const { folder: shards, train } = found[0] as unknown as { folder: string; train: number };
    expect((await pipe(["data", "build", "tiny.yaml"])).out).toMatch(/^there already: /);

    const text = await readFile(join(folder, "text.txt"), "utf8");
    const shown = await pipe(["data", "inspect", shards, "--tokens", "12"]);
    expect(shown.out).toContain(`its first 12 tokens: ${JSON.stringify(text.slice(0, 12))}\n`);
    const json = JSON.parse((await pipe(["data", "inspect", shards, "--json", "--tokens", "99999"])).out) as object;
    expect(json).toMatchObject({ format: "pipe-dataset", text: text.slice(0, train - 1) });
    const shard = join(shards, "train_000000.bin");
    expect((await pipe(["data", "inspect", shard])).out).toBe(`${train.toLocaleString("en-US")} tokens of 2 bytes\n`);
    expect(JSON.parse((await pipe(["data", "inspect", shard, "--json"])).out)).toEqual({
      tokens: train,
      bytesPerToken: 2,
    });
  });

  it("stops when it is interrupted, and says what is wrong", async () => {
    const stopped = await pipe(["data", "build", "tiny.yaml", "--runs-dir", "other"], { at: "at once", times: 0 });
    expect([stopped.code, stopped.err]).toEqual([130, "stopped; nothing was changed\n"]);
    expect((await pipe(["data", "build", "tiny.yaml", "--set", "data.source.path=no.txt"])).code).toBe(1);
    expect((await pipe(["data", "inspect", "notes"])).err).toContain("no dataset in this folder");
    for (const args of [["data"], ["data", "inspect"]]) expect((await pipe(args)).code).toBe(2);
  });
});

describe("pipe model describe", () => {
  it("counts a recipe's parameters and what training them takes, and describes a run's", async () => {
    const { code, out } = await pipe(["model", "describe", "tiny.yaml"]);
    expect(code).toBe(0);
    const { parameters, tensors, weightBytes, stateBytes, valueBytes } = JSON.parse(
      (await pipe(["model", "describe", "tiny.yaml", "--json"])).out,
    ) as { readonly [name: string]: number } & { readonly tensors: readonly { readonly shape: readonly number[] }[] };
    expect(tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(parameters);
    expect([weightBytes, stateBytes]).toEqual([4 * parameters!, 12 * parameters!]); // AdamW keeps two numbers for each
    expect(valueBytes).toBeGreaterThan(weightBytes!);
    expect(out).toMatch(/^h\.\*\.attn\.c_attn\.bias +no decay +48 +48 +48$/m);
    const two = await pipe(["model", "describe", "tiny.yaml", "--set", "model.layers=2"]);
    expect(two.out).toMatch(/^h\.\*\.attn\.c_attn\.bias +2 times, no decay +48 +48 +96$/m);

    expect((await pipe(["train", "tiny.yaml", "--set", "training.steps=2"])).code).toBe(0);
    const stored = await pipe(["model", "describe", "--run", "tiny"]);
    expect(stored.out).toMatch(/\nstep 2 of .*step-00000002\n$/);
    expect(JSON.parse((await pipe(["model", "describe", "--run", "tiny", "--json"])).out)).toMatchObject({
      kind: "gpt2",
      parameters,
      step: 2,
    });
  });

  it.each([[["model"]], [["model", "describe", "tiny.yaml", "--run", "tiny"]]])(
    "refuses %j as bad usage",
    async (args) => expect((await pipe(args)).code).toBe(2),
  );
});

it("pipe bench is pipe engines bench", async () => {
  const { code, err } = await pipe(["bench", "--seconds", "x"]);
  expect([code, err]).toEqual([2, expect.stringContaining("--seconds needs a number")]);
});
