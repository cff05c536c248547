import { execFile } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { plainOps } from "@pipe/graph";
import { loadExperiment } from "@pipe/pipeline";
import { run as pipe } from "@pipe/trainer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../..");
/** Inside this package, so that its dependencies resolve. */
const folder = join(import.meta.dirname, "../.readme");

/** Code blocks of a language in a file, as name and code. */
function blocksOf(path: string, language: string): [string, string][] {
  const text = readFileSync(join(root, path), "utf8");
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))];
  return blocks.map(([, code], i) => [`${path.replaceAll("/", "-").replace(/(-README)?\.md$/, "")}-${i + 1}`, code!]);
}

const readmes = globSync("packages/*/README.md", { cwd: root }).sort();
const guide = globSync("apps/trainer/guide/*.md", { cwd: root }).sort();
const examples = [...readmes, ...guide].flatMap((path) => blocksOf(path, "ts"));

beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the examples of the READMEs and of the guide", () => {
  it.each(examples)("%s runs as it stands in an empty folder", async (name, code) => {
    const file = join(folder, `${name}.ts`);
    writeFileSync(file, code);
    const cwd = mkdtempSync(join(tmpdir(), `pipe-${name}-`));
    try {
      // Rejects, with what the example printed, unless it exits with 0.
      const run = promisify(execFile)(process.execPath, ["--conditions=@pipe/source", file], { cwd });
      await expect(run).resolves.toBeDefined();
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });
});

describe("the guide", () => {
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
    let help = "";
    await pipe(["--help"], { stdout: { write: (text: string) => (help += text) } } as never);
    const command = line.replace(/^(npx @pipe\/trainer |npm run pipe -- |pipe )/, "");
    expect(help).toContain(`pipe ${command.split(" ")[0]!}`);
    for (const [flag] of command.matchAll(/--[a-z-]+/g)) expect(help).toContain(flag);
  });

  it.each(guide.flatMap((path) => blocksOf(path, "yaml")))("the recipe %s is valid", async (_, text) => {
    const raw = parse(text) as { [key: string]: unknown };
    if ("data" in raw) expect((await loadExperiment(raw)).experiment).toMatchObject({ name: raw["name"] });
    else {
      // A part of a recipe is put over a whole one; its plug-in is the first program of its page.
      const [[, plugin]] = blocksOf("apps/trainer/guide/plugins.md", "ts") as [[string, string]];
      writeFileSync(join(folder, "bits-per-token.ts"), plugin);
      const [[, whole]] = blocksOf("apps/trainer/guide/recipes.md", "yaml") as [[string, string]];
      const { experiment } = await loadExperiment({ ...parse(whole), ...raw }, { from: folder });
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
