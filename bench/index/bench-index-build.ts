import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastJson, output } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";

const here = import.meta.dirname;
const envs = join(here, "../.envs");

/**
 * Milliseconds to index the markdown of Next.js's documentation from nothing, and again after 1 % of its files were edited, on
 * the disk and with vectors of a trivial embedder; beside vectra and Orama. Each time in a process of its own, of built code.
 */
export async function benchIndexBuild({ rounds }: BenchOptions): Promise<BenchResult> {
  await Promise.resolve();
  output(join(here, "../../node_modules/.bin/tsc"), ["-b"]);
  const docs = join(envs, "next-docs/node_modules/next/dist/docs");
  if (!existsSync(docs)) throw new Error("The documentation of Next.js is absent: bench/setup/setup.sh");
  const contenders = ["ours", ...(existsSync(join(envs, "peers")) ? ["vectra", "orama"] : [])];
  const raw: { [contender: string]: number[][] } = {};
  console.log(`index-build, ${machine()}, ${rounds} rounds, milliseconds: from nothing, after edits of 1 %`);
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const home = mkdtempSync(join(tmpdir(), "pipe-bench-index-build-"));
      try {
        const copy = join(home, "docs");
        cpSync(docs, copy, { recursive: true });
        const run = (...more: readonly string[]): number =>
          lastJson<{ milliseconds: number }>(process.execPath, [
            join(here, "build-files.ts"),
            contender,
            copy,
            join(home, "index"),
            ...more,
          ]).milliseconds;
        const first = run();
        const files = readdirSync(copy, { recursive: true, encoding: "utf8" }).filter((name) => /\.mdx?$/.test(name));
        const edited = files.filter((_, at) => at % 100 === 50);
        for (const name of edited) appendFileSync(join(copy, name), `\nOne more paragraph, of round ${round}.\n`);
        const again = run(JSON.stringify(edited));
        (raw[contender] ??= []).push([first, again].map(hundredths));
        console.log(`${contender.padEnd(8)} ${Math.round(first)}  ${Math.round(again)}  (${files.length} files)`);
      } finally {
        rmSync(home, { recursive: true });
      }
    }
  }
  const of = (contender: string): number => median(raw[contender]!.map(([first]) => first!));
  const theirs = Object.fromEntries(
    ["vectra", "orama"].map((name) => [name, raw[name] === undefined ? ("absent" as const) : of(name)]),
  );
  const ratio = Object.fromEntries(
    Object.entries(theirs).map(([name, each]) => [name, each === "absent" ? each : hundredths(each / of("ours"))]),
  );
  return { ...resultHead("index-build", "next-docs", "ms"), ours: of("ours"), theirs, ratio, raw };
}
