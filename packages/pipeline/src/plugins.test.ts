import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Origin, rawConfig } from "@pipe/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadExperiment, loadInstalled } from "./experiment.ts";
import { loadPlugin } from "./load-plugin.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pipe-plugins-"));
});
afterAll(() => rm(folder, { recursive: true }));

const zod = JSON.stringify(import.meta.resolve("zod"));
const FLAT = `import { z } from ${zod};
export default { api: 1, name: "flat", components: [{
  port: "schedule", kind: "flat", schema: z.strictObject({ kind: z.literal("flat"), rate: z.number().default(0.01) }),
  create: ({ rate }) => ({ rate: () => rate }),
}] };
`;

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  return path;
}

const raw = (plugins: readonly unknown[], kind = "flat"): { readonly [key: string]: unknown } => ({
  data: { source: { kind: "text", path: "a.txt" }, tokenizer: { kind: "byte" }, sequenceLength: 8 },
  model: { kind: "gpt2", positions: 8, width: 8, layers: 1, heads: 1 },
  optimization: { schedule: { kind } },
  training: { steps: 1 },
  plugins,
});
const recipe = (): Origin => ({ source: "recipe", name: "a.yaml", folder });

describe("plug-ins", () => {
  it("are files, seen from the recipe that names them, and kept with their whole path", async () => {
    const path = await file("flat.mjs", FLAT);
    const named = rawConfig(raw(["./flat.mjs", "./flat.mjs"]), recipe());
    const { experiment, components } = await loadExperiment(named.raw, { origins: named.origins, from: tmpdir() });
    expect(experiment.plugins).toEqual([path, path]);
    expect(experiment.optimization.schedule).toEqual({ kind: "flat", rate: 0.01 });
    const schedule = await components.create("schedule", experiment.optimization.schedule);
    expect(schedule.rate(7)).toBe(0.01);
    expect((await loadExperiment(raw(["./flat.mjs"]), { from: folder })).experiment.plugins).toEqual([path]);
  });

  it("are packages that are installed beside the recipe, whatever their exports", async () => {
    const install = async (name: string, exports: unknown): Promise<void> => {
      await file(`node_modules/${name}/package.json`, JSON.stringify({ name, type: "module", exports }));
      await file(`node_modules/${name}/main.js`, FLAT);
    };
    await install("flat-default", { ".": { types: "./main.d.ts", default: "./main.js" } });
    await install("flat-import", { ".": { import: "./main.js" } });
    await install("flat-text", "./main.js");
    await install("flat-none", { "./other": { import: "./main.js" } });
    for (const name of ["flat-default", "flat-import", "flat-text"]) {
      expect((await loadExperiment(raw([name]), { from: folder })).experiment.plugins).toEqual([name]);
    }
    await expect(loadPlugin({ name: "flat-none", folder })).rejects.toMatchObject({ code: "plugin-missing" });
    // zod lies beside @pipe, not beside the recipe.
    await expect(loadPlugin({ name: "zod", folder })).rejects.toThrow("exports something else");
  });

  it("that are missing come with what to do, and where they are named", async () => {
    const { raw: given, origins } = rawConfig(raw(["no-such-plugin"]), recipe());
    await expect(loadExperiment(given, { origins })).rejects.toThrow(
      /not installed[^]*where: no-such-plugin, named by a\.yaml\n {2}fix: npm install no-such-plugin/,
    );
    await expect(loadPlugin({ name: "./none.mjs", folder })).rejects.toThrow(
      `expected: the file ${join(folder, "none.mjs")}`,
    );
  });

  it("that need something else say how to install it; others pass their error on", async () => {
    await file("needs.mjs", `throw new Error("Cannot find package 'left-pad' imported from here");`);
    await expect(loadPlugin({ name: "./needs.mjs", folder })).rejects.toThrow("fix: npm install left-pad");
    await file("throws.mjs", "throw new Error('boom');");
    await expect(loadPlugin({ name: "./throws.mjs", folder })).rejects.toThrow(/cannot be loaded[^]*got: boom/);
  });

  const component = (fields: string): string =>
    `import { z } from ${zod}; export default { api: 1, name: "x", components: [${fields}] };`;
  it.each([
    ["nothing", "export {};", "got: no default; exported: nothing"],
    ["another name", "export const definitions = [];", "got: no default; exported: definitions"],
    ["another default", "export default {};", "a default that definePlugin did not make"],
    ["an older contract", "export default { api: 0 };", /got: plug-in API 0[^]*newer version of the plug-in/],
    ["a newer contract", "export default { api: 2 };", /got: plug-in API 2[^]*newer version of @pipe/],
    ["no components", "export default { api: 1 };", "expected: components: […]"],
    ["a component that is none", component("3"), "expected: an object"],
    [
      "an unknown port",
      component('{ port: "metrics" }'),
      /expected: port: one of engine, [^]*got: metrics[^]*component 1/,
    ],
    ["no kind", component('{ port: "metric" }'), "expected: kind: a word"],
    ["no create", component('{ port: "metric", kind: "x" }'), "expected: create: a function"],
    [
      "a schema of something else",
      component('{ port: "metric", kind: "x", create: () => 1, schema: {} }'),
      'expected: schema: z.strictObject({ kind: z.literal("x"), … })',
    ],
    [
      "a schema of another kind",
      component('{ port: "metric", kind: "x", create: () => 1, schema: z.object({ kind: z.literal("y") }) }'),
      "a schema that takes another kind",
    ],
    [
      "a schema without kind",
      component('{ port: "metric", kind: "x", create: () => 1, schema: z.object({}) }'),
      "a schema that takes another kind",
    ],
    ["a kind that is built in", component('{ port: "metric", kind: "loss", create: () => 1 }'), "got: metric loss"],
  ])("that export %s are refused", async (name, text, message) => {
    await file(`${name}.mjs`, text);
    await expect(loadPlugin({ name: `./${name}.mjs`, folder })).rejects.toThrow(message);
  });

  it("that are no text are a problem of the configuration", async () => {
    await expect(loadExperiment(raw([3], "cosine"))).rejects.toThrow("plugins.0: expected text");
    await expect(loadExperiment({ ...raw([], "cosine"), plugins: "x" })).rejects.toThrow("plugins: expected a list");
  });
});

describe("loadInstalled", () => {
  it("covers everything that is installed, plug-ins of a recipe too", async () => {
    const { config, missing } = await loadInstalled();
    expect(missing).toEqual([]);
    const kinds = (schema: object): string => JSON.stringify(schema);
    expect(kinds(config.jsonSchema())).not.toContain('"flat"');
    const path = await file("flat.mjs", FLAT);
    expect(kinds((await loadInstalled(raw([path]))).config.jsonSchema())).toContain('"const":"flat"');
  });
});
