import { execFile } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { plainOps } from "@pipe/graph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
/** Inside this package, so that its dependencies resolve. */
const folder = join(import.meta.dirname, "../.readme");

const examples = globSync("packages/*/README.md", { cwd: root })
  .sort()
  .flatMap((path) => {
    const blocks = [...readFileSync(join(root, path), "utf8").matchAll(/^```ts\n(.*?)^```$/gms)];
    return blocks.map(([, code], i): [string, string] => [`${path.split("/")[1]!}-${i + 1}`, code!]);
  });

beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the examples of the READMEs", () => {
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

describe("the README of graph", () => {
  it("lists every plain op", () => {
    const [, list] = /<!-- plain ops -->(.*)<!-- \/plain ops -->/s.exec(
      readFileSync(join(root, "packages/graph/README.md"), "utf8"),
    )!;
    expect(Array.from(list!.matchAll(/`(\w+)`/g), ([, name]) => name)).toEqual([...plainOps.keys()].sort());
  });
});
