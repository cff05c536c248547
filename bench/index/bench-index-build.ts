import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastJson, output } from "../output.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";

const here = import.meta.dirname;
const envs = join(here, "../.envs");

/** Who takes part, and the folder of `.envs` that holds it. */
const contenders: readonly { readonly name: string; readonly env?: string }[] = [
  { name: "ours" },
  { name: "words" },
  { name: "orama", env: "peers" },
  { name: "qmd", env: "qmd" },
  { name: "lancedb", env: "lancedb" },
  { name: "vectra", env: "peers" },
];

type Run = { readonly milliseconds: number; readonly cpu: number };

/**
 * Milliseconds to index the markdown of Next.js's documentation from nothing, and again after 1 % of its files were edited, on
 * the disk and with vectors of a trivial embedder (`words` is ours without, as qmd is), each time in a process of its own, of built code.
 */
export async function benchIndexBuild({ rounds }: BenchOptions): Promise<BenchResult> {
  await Promise.resolve();
  output(join(here, "../../node_modules/.bin/tsc"), ["-b"]);
  const docs = join(envs, "next-docs/node_modules/next/dist/docs");
  if (!existsSync(docs)) throw new Error("The documentation of Next.js is absent: bench/setup/setup.sh");
  const present = contenders.filter(({ env }) => env === undefined || existsSync(join(envs, env)));
  const raw: { [contender: string]: number[][] } = {};
  console.log(
    `index-build, ${machine()}, ${rounds} rounds, milliseconds: from nothing (CPU), after edits of 1 % (CPU)`,
  );
  for (let round = 0; round < rounds; round++) {
    for (const { name } of present) {
      // Minutes each time: once is enough to tell.
      if (name === "vectra" && round < rounds - 1) continue;
      const [first, again] = once(name, docs, round);
      const times = [first.milliseconds, first.cpu, again.milliseconds, again.cpu].map(Math.round);
      (raw[name] ??= []).push(times);
      console.log(`${name.padEnd(8)} ${times[0]} (${times[1]})  ${times[2]} (${times[3]})`);
    }
  }
  const of = (name: string): number => median(raw[name]!.map(([first]) => first!));
  const others = contenders.filter(({ name }) => name !== "ours").map(({ name }) => name);
  const theirs = Object.fromEntries(
    others.map((name) => [name, raw[name] === undefined ? ("absent" as const) : of(name)]),
  );
  const ratio = Object.fromEntries(
    Object.entries(theirs).map(([name, each]) => [name, each === "absent" ? each : hundredths(each / of("ours"))]),
  );
  return { ...resultHead("index-build", "next-docs", "ms"), ours: of("ours"), theirs, ratio, raw };
}

/** Indexes a copy of a folder, edits every hundredth file, and indexes again. */
function once(contender: string, docs: string, round: number): readonly [Run, Run] {
  const home = mkdtempSync(join(tmpdir(), "pipe-bench-index-build-"));
  try {
    const copy = join(home, "docs");
    cpSync(docs, copy, { recursive: true });
    const run = (...more: readonly string[]): Run =>
      lastJson<Run>(process.execPath, [join(here, "build-files.ts"), contender, copy, join(home, "index"), ...more]);
    const first = run();
    const files = readdirSync(copy, { recursive: true, encoding: "utf8" }).filter((name) => /\.mdx?$/.test(name));
    const edited = files.filter((_, at) => at % 100 === 50);
    for (const name of edited) appendFileSync(join(copy, name), `\nOne more paragraph, of round ${round}.\n`);
    return [first, run(JSON.stringify(edited))];
  } finally {
    rmSync(home, { recursive: true });
  }
}
