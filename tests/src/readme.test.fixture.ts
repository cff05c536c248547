import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

export const root = join(import.meta.dirname, "../..");

/** Code blocks of a language in a file, as name and code. */
export function blocksOf(path: string, language: string): [string, string][] {
  const text = readFileSync(join(root, path), "utf8");
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))];
  return blocks.map(([, code], i) => [`${path.replaceAll("/", "-").replace(/(-README)?\.md$/, "")}-${i + 1}`, code!]);
}

/** Runs every example of these files as it stands; they are written into a folder of this package, so that imports resolve. */
export function exampleTests(paths: readonly string[], folder: string): void {
  beforeAll(() => mkdirSync(folder, { recursive: true }));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(paths.flatMap((path) => blocksOf(path, "ts")))(
    "%s runs as it stands in an empty folder",
    async (name, code) => {
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
    },
  );
}
