import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainOps } from "@pipe/graph";
import { loadExperiment } from "@pipe/pipeline";
import { run as pipe } from "@pipe/trainer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { blocksOf, exampleTests, root } from "./readme.test.fixture.ts";

const folder = join(import.meta.dirname, "../.readme");
const readmes = globSync("packages/*/README.md", { cwd: root }).sort();
const guide = globSync("apps/trainer/guide/*.md", { cwd: root }).sort();

describe("the examples of the READMEs and of the guide", () => {
  // That of engine-xla needs a plug-in: readme.xla.service.test.ts.
  const here = readmes.filter((path) => !path.includes("engine-xla"));
  exampleTests([...here, ...guide], join(folder, "examples"));
});

describe("the guide", () => {
  beforeAll(() => mkdirSync(join(folder, "guide"), { recursive: true }));
  afterAll(() => rmSync(join(folder, "guide"), { recursive: true }));

  const commands = [...guide, "README.md", "apps/trainer/README.md"]
    .flatMap((path) => blocksOf(path, "sh"))
    .flatMap(([, block]) => block.split("\n"))
    .flatMap(
      (line) =>
        /(?:^|npx @pipe\/trainer |npm run pipe -- |^pipe )(train|find-lr|eval|generate|import|export|index|search|runs|dashboard|engines|config)\b.*/.exec(
          line,
        )?.[0] ?? [],
    );

  it.each(commands)("%s uses a command and flags that there are", async (line) => {
    const command = line.replace(/^(npx @pipe\/trainer |npm run pipe -- |pipe )/, "");
    const [name] = command.split(" ");
    let help = "";
    await pipe(["help", name!], { stdout: { write: (text: string) => (help += text) } } as never);
    expect(help).toContain(`pipe ${name}`);
    for (const [flag] of command.matchAll(/--[a-z-]+/g)) expect(help).toContain(flag);
  });

  it.each(guide.flatMap((path) => blocksOf(path, "yaml")))("the recipe %s is valid", async (_, text) => {
    const raw = parse(text) as { [key: string]: unknown };
    if ("data" in raw) expect((await loadExperiment(raw)).experiment).toMatchObject({ name: raw["name"] });
    else {
      // A part of a recipe is put over a whole one; its plug-in is the first program of its page.
      const [[, plugin]] = blocksOf("apps/trainer/guide/plugins.md", "ts") as [[string, string]];
      writeFileSync(join(folder, "guide", "bits-per-token.ts"), plugin);
      const [[, whole]] = blocksOf("apps/trainer/guide/recipes.md", "yaml") as [[string, string]];
      const { experiment } = await loadExperiment({ ...parse(whole), ...raw }, { from: join(folder, "guide") });
      const { plugins: _, ...sections } = raw;
      expect(experiment).toMatchObject(sections);
    }
  });
});

describe("the README of graph", () => {
  it("lists every plain op", () => {
    const [, list] = /<!-- plain ops -->(.*)<!-- \/plain ops -->/s.exec(
      readFileSync(join(root, "packages/graph/README.md"), "utf8"),
    )!;
    expect(Array.from(list!.matchAll(/`(\w+)`/g), ([, name]) => name)).toEqual([...plainOps.keys()].sort());
  });
});
