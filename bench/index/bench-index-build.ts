import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastJson, output } from "../output.ts";
import { editFiles } from "./edit-files.ts";
import { type BenchOptions, type BenchResult, hundredths, machine, median, resultHead } from "../result.ts";

const here = import.meta.dirname;
const envs = join(here, "../.envs");

/** Who takes part, and the folder of `.envs` that holds it. */
const contenders: readonly { readonly name: string; readonly env?: string }[] = [
  { name: "ours" },
  { name: "words" },
  { name: "live" },
  { name: "orama", env: "peers" },
  { name: "qmd", env: "qmd" },
  { name: "lancedb", env: "lancedb" },
  { name: "vectra", env: "peers" },
];

type Run = { readonly milliseconds: number; readonly cpu: number };

/**
 * Milliseconds to index the markdown of Next.js's documentation from nothing, and again after 1 % of its files were edited, on
 * the disk and with vectors of a trivial embedder (`words` is ours without, as qmd is), each time in a process of its own, of built
 * code; `live` is ours where one process does both. With the size `minilm` vectors are those of all-MiniLM-L6-v2.
 */
export async function benchIndexBuild({ size, rounds, only }: BenchOptions): Promise<BenchResult> {
  await Promise.resolve();
  output(join(here, "../../node_modules/.bin/tsc"), ["-b"]);
  const docs = join(envs, "next-docs/node_modules/next/dist/docs");
  if (!existsSync(docs)) throw new Error("The documentation of Next.js is absent: bench/setup/setup.sh");
  const model = size === "minilm" ? join(envs, "minilm") : "trigrams";
  const present = contenders.filter(
    ({ name, env }) =>
      (env === undefined || existsSync(join(envs, env))) && (name === "ours" || only?.includes(name) !== false),
  );
  const raw: { [contender: string]: number[][] } = {};
  console.log(
    `index-build, ${machine()}, ${rounds} rounds, milliseconds: from nothing (CPU), after edits of 1 % (CPU)`,
  );
  for (let round = 0; round < rounds; round++) {
    for (const { name } of present) {
      // Minutes each time: once is enough to tell.
      if (name === "vectra" && round < rounds - 1) continue;
      const [first, again] = once([name, model], docs, round) as [Run, Run];
      const times = [first.milliseconds, first.cpu, again.milliseconds, again.cpu].map(Math.round);
      (raw[name] ??= []).push(times);
      console.log(`${name.padEnd(8)} ${times[0]} (${times[1]})  ${times[2]} (${times[3]})`);
    }
  }
  const of = (name: string, at = 0): number => median(raw[name]!.map((times) => times[at]!));
  const others = contenders.filter(({ name }) => name !== "ours").map(({ name }) => name);
  const theirs = Object.fromEntries(
    others.map((name) => [name, raw[name] === undefined ? ("absent" as const) : of(name)]),
  );
  const ratio = Object.fromEntries(
    Object.entries(theirs).map(([name, each]) => [name, each === "absent" ? each : hundredths(each / of("ours"))]),
  );
  console.log("milliseconds by those of ours, from nothing and again; and again by from nothing:");
  for (const name of Object.keys(raw)) {
    const parts = [of(name) / of("ours"), of(name, 2) / of("ours", 2), of(name, 2) / of(name)];
    console.log(`${name.padEnd(8)} ${parts.map((part) => hundredths(part).toFixed(2)).join("  ")}`);
  }
  return {
    ...resultHead("index-build", size === "minilm" ? "next-docs, minilm" : "next-docs", "ms"),
    ours: of("ours"),
    theirs,
    ratio,
    raw,
  };
}

/** Indexes a copy of a folder, edits every hundredth file, and indexes again. */
function once(contender: readonly [string, string], docs: string, round: number): readonly Run[] {
  const home = mkdtempSync(join(tmpdir(), "pipe-bench-index-build-"));
  try {
    const copy = join(home, "docs");
    cpSync(docs, copy, { recursive: true });
    const run = (...more: readonly string[]): Run[] =>
      lastJson<Run[]>(process.execPath, [
        join(here, "build-files.ts"),
        ...contender,
        copy,
        join(home, "index"),
        ...more,
      ]);
    const first = run();
    return first.length > 1 ? first : [...first, ...run(JSON.stringify(editFiles(copy, round)))];
  } finally {
    rmSync(home, { recursive: true });
  }
}
